package main

const (
	shortSeconds = 45
	shortSteps   = 13
)

func main() {}
