package config

import "io/fs"

// checkTrusted accepts every file: on Windows the mode does not describe access, and the folder of a user is private.
func checkTrusted(string, fs.FileInfo) error { return nil }
