package manifest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/wait"
)

// Errors of [ReadFiles].
var (
	ErrUnreadable  = errors.New("read the manifest")
	ErrEmptyFolder = errors.New("contains no manifest")
	ErrStdinTwice  = errors.New("standard input can be read only once")
)

// ReadFiles reads files and folders as one manifest, until ctx ends. The name - is stdin.
func ReadFiles(ctx context.Context, names []string, stdin io.Reader) (*Manifest, error) {
	sources, err := wait.Read(ctx, func() ([]Source, error) { return readSources(names, stdin) })
	if err != nil {
		return nil, err
	}
	return Parse(sources...)
}

func readSources(names []string, stdin io.Reader) ([]Source, error) {
	var sources []Source
	for i, name := range names {
		if name == "-" && slices.Contains(names[:i], "-") {
			return nil, ErrStdinTwice
		}
		paths, err := files(name)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			source, err := readSource(path, stdin)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
			}
			if startsPlan(source.Content) {
				return nil, fmt.Errorf("%s %w", source.Name, ErrIsPlan)
			}
			sources = append(sources, source)
		}
	}
	return sources, nil
}

// files returns the manifests of a folder in the order of their names, without its subfolders, or the file itself.
func files(name string) ([]string, error) {
	info, err := os.Stat(name)
	if name == "-" || err == nil && !info.IsDir() {
		return []string{name}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	var paths []string
	for _, e := range entries {
		known := slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(e.Name())))
		if known && !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			paths = append(paths, filepath.Join(name, e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s %w", name, ErrEmptyFolder)
	}
	return paths, nil
}

// readSource reads at most one byte more than [MaxSize], which [Parse] then refuses.
func readSource(path string, stdin io.Reader) (Source, error) {
	source := Source{Name: path, Folder: filepath.Dir(path)}
	if path == "-" {
		source.Name, source.Folder = "standard input", "."
	} else {
		file, err := os.Open(path)
		if err != nil {
			return source, err
		}
		defer func() { _ = file.Close() }()
		stdin = file
	}
	var err error
	source.Content, err = io.ReadAll(io.LimitReader(stdin, MaxSize+1))
	return source, err
}
