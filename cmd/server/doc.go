// Command server runs a data server. Its help says how; what it does is in packages
// server and server/command.
package main
