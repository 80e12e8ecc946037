//go:build !unix

package kerneld

// Lock does nothing here: the storage engine holds the folder itself.
func (h Home) Lock() (unlock func(), err error) { return func() {}, nil }
