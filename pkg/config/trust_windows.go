package config

import "io/fs"

// checkTrusted accepts every file: the mode says nothing about access here, and the folder of a user is private.
func checkTrusted(string, fs.FileInfo) error { return nil }
