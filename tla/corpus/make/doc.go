// Command make makes the corpus: it lets TLC simulate each flavour of module
// Corpus under a fixed seed, picks behaviours by what happens in them, and writes
// them to tla/corpus/testdata/corpus.txt.gz. TLC's jar is found by TLA2TOOLS_JAR;
// scripts/tlc corpus sets it.
//
//	go run ./tla/corpus/make [-simulate 50] [-keep 50] [-depth 150] [-seed 1]
package main
