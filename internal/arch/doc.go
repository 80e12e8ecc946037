// Package arch holds no code: its tests are the build rules of the house that the compiler
// cannot check. They parse the sources in their own process, so a changed file always runs
// them again, and they fail on an import that crosses a layer, on anything in a pure package
// that two nodes could compute differently, and on a heavy dependency outside its fence.
//
// layers_test.go is the table of who may import whom; purity_test.go is what a pure package
// must not contain; planted_test.go proves that each check fires.
package arch
