package secp

// An affine point of y² = x³ + 7.
type affine struct{ x, y element }

// A point in Jacobian coordinates: (x/z², y/z³). Infinity has inf set and nothing else of meaning.
type point struct {
	x, y, z element
	inf     bool
}

var one = element{1}

func (a *affine) point() point { return point{x: a.x, y: a.y, z: one} }

// double sets p to 2a (Hankerson, Menezes, Vanstone, with a curve's a of zero).
func (p *point) double(a *point) {
	if a.inf {
		p.inf = true
		return
	}
	// No point has y = 0: the order of the curve is odd.
	var s, m, t, yy, x3, y3, z3 element
	yy.square(&a.y)
	s.mul(&a.x, &yy)
	s.double(&s)
	s.double(&s) // 4xy²
	t.square(&a.x)
	m.double(&t)
	m.add(&m, &t) // 3x²
	z3.mul(&a.y, &a.z)
	z3.double(&z3)
	x3.square(&m)
	t.double(&s)
	x3.sub(&x3, &t)
	t.sub(&s, &x3)
	y3.mul(&m, &t)
	t.square(&yy)
	t.double(&t)
	t.double(&t)
	t.double(&t) // 8y⁴
	p.x = x3
	p.y.sub(&y3, &t)
	p.z, p.inf = z3, false
}

// add sets p to p+b. It is right for equal and opposite points too, which a hostile key can bring about.
func (p *point) add(b *affine) {
	if p.inf {
		*p = b.point()
		return
	}
	var zz, u, s, h, r element
	zz.square(&p.z)
	u.mul(&b.x, &zz)
	s.mul(&b.y, &zz)
	s.mul(&s, &p.z)
	h.sub(&u, &p.x)
	r.sub(&s, &p.y)
	if h.isZero() {
		p.meet(&r)
		return
	}
	p.finish(&p.x, &p.y, &h, &r)
	p.z.mul(&p.z, &h)
}

// addPoint sets p to p+b.
func (p *point) addPoint(b *point) {
	switch {
	case b.inf:
		return
	case p.inf:
		*p = *b
		return
	}
	var zz, bzz, u1, u2, s1, s2, h, r element
	zz.square(&p.z)
	bzz.square(&b.z)
	u1.mul(&p.x, &bzz)
	u2.mul(&b.x, &zz)
	s1.mul(&p.y, &bzz)
	s1.mul(&s1, &b.z)
	s2.mul(&b.y, &zz)
	s2.mul(&s2, &p.z)
	h.sub(&u2, &u1)
	r.sub(&s2, &s1)
	if h.isZero() {
		p.meet(&r)
		return
	}
	p.finish(&u1, &s1, &h, &r)
	p.z.mul(&p.z, &b.z)
	p.z.mul(&p.z, &h)
}

// meet ends an addition of points with one x: they are equal if r is zero, else opposite.
func (p *point) meet(r *element) {
	if r.isZero() {
		p.double(p)
		return
	}
	p.inf = true
}

// finish computes x and y of a sum from the first point's x and y over the common z, and the differences of both.
func (p *point) finish(u, s, h, r *element) {
	var hh, hhh, v, t, x3 element
	hh.square(h)
	hhh.mul(&hh, h)
	v.mul(u, &hh)
	t.mul(s, &hhh)
	x3.square(r)
	x3.sub(&x3, &hhh)
	x3.sub(&x3, &v)
	x3.sub(&x3, &v)
	v.sub(&v, &x3)
	v.mul(&v, r)
	p.x = x3
	p.y.sub(&v, &t)
}

// negative returns -a.
func (a *affine) negative() affine {
	n := *a
	n.y.sub(&element{}, &a.y)
	return n
}

// affines brings points that are not infinity into affine form, with one inversion for all.
func affines(all []point, out []affine) {
	product := one
	var before [64]element // products up to each, not included
	for i := range all {
		before[i] = product
		product.mul(&product, &all[i].z)
	}
	var inverse, zz element
	inverse.inverse(&product)
	for i := len(all) - 1; i >= 0; i-- {
		var z element
		z.mul(&inverse, &before[i])
		inverse.mul(&inverse, &all[i].z)
		zz.square(&z)
		out[i].x.mul(&all[i].x, &zz)
		zz.mul(&zz, &z)
		out[i].y.mul(&all[i].y, &zz)
	}
}

// odd fills a table with a, 3a, 5a, … of at most 64 entries.
func odd(a *affine, table []affine) {
	var all [64]point
	var twice point
	first := a.point()
	twice.double(&first)
	all[0] = first
	for i := 1; i < len(table); i++ {
		all[i] = all[i-1]
		all[i].addPoint(&twice)
	}
	affines(all[:len(table)], table)
}
