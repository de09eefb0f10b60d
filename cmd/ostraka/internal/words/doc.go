// Package words splits a line into words as a shell does: at spaces, but for those
// between quotes or after a backslash.
//
//	put a 'two words'     put, a, two words
//	put a "say \"hi\""    put, a, say "hi"
//	put a ''              put, a, and an empty word
//
// Between single quotes everything stands for itself; between double quotes a backslash
// takes the meaning of a quote or of a backslash away; elsewhere that of anything. There
// are no variables, no patterns and no control characters. A word that begins with #
// ends the line.
package words
