package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// SandboxProfile is the profile that always exists and needs no login.
const SandboxProfile = "sandbox"

// DefaultProfile is the default name of a new profile.
const DefaultProfile = "default"

// profilesFormat is the version of the profiles file.
const profilesFormat = 1

// Profile is a login that auth login has verified.
type Profile struct {
	Name    string `yaml:"name"`
	BaseURL string `yaml:"baseUrl"`
	// TokenKind is "employee" for a consumer and an employee token, or "refresh".
	TokenKind string `yaml:"tokenKind"`
	// Store is the store of its tokens: "keyring" or "file".
	Store       string `yaml:"store"`
	CompanyID   int64  `yaml:"companyId"`
	CompanyName string `yaml:"companyName"`
}

// Profiles is the file of all logins, which the auth commands write.
type Profiles struct {
	Format  int       `yaml:"format"`
	Current string    `yaml:"current"`
	All     []Profile `yaml:"profiles"`
}

// Find returns the profile with a name, or nil.
func (p *Profiles) Find(name string) *Profile {
	for i := range p.All {
		if p.All[i].Name == name {
			return &p.All[i]
		}
	}
	return nil
}

// Put adds a profile or replaces the one with the same name. The first profile becomes the current one.
func (p *Profiles) Put(profile Profile) {
	if old := p.Find(profile.Name); old != nil {
		*old = profile
		return
	}
	p.All = append(p.All, profile)
	slices.SortFunc(p.All, func(a, b Profile) int { return strings.Compare(a.Name, b.Name) })
	if p.Current == "" {
		p.Current = profile.Name
	}
}

// Remove removes a profile.
func (p *Profiles) Remove(name string) {
	p.All = slices.DeleteFunc(p.All, func(profile Profile) bool { return profile.Name == name })
	if p.Current == name {
		p.Current = ""
	}
}

// CheckProfileName returns an error for names that are ambiguous in a keyring, a file or a monitor.
func CheckProfileName(name string) error {
	if name == "" || len(name) > 64 || strings.HasPrefix(name, "-") || strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.@", r)
	}) {
		return fmt.Errorf("profile %q: must have 1 to 64 letters, digits, dots, dashes, underscores or @", name)
	}
	return nil
}

// ErrDamaged means that the content of the file of profiles is invalid.
var ErrDamaged = errors.New("damaged")

// LoadProfiles reads the profiles of the configuration folder. A missing file means no profiles.
func LoadProfiles(folders Folders) (*Profiles, error) {
	path := filepath.Join(folders.Config, "profiles.yaml")
	if err := CheckRegular(path); err != nil {
		return nil, err
	}
	raw, err := readTrustedNow(path, folders.Home)
	if errors.Is(err, fs.ErrNotExist) {
		return &Profiles{Format: profilesFormat}, nil
	}
	if err != nil {
		return nil, err
	}
	var header struct {
		Format int `yaml:"format"`
	}
	// Another version may have other fields, so the version is checked first.
	if err := yaml.Unmarshal(raw, &header); err == nil && header.Format != profilesFormat && header.Format != 0 {
		return nil, fmt.Errorf("%s: written by another version of tlxhook", path)
	}
	profiles := &Profiles{}
	switch err := decodeOne(raw, profiles); {
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	case profiles.Format == 0: // such as an empty file
		return nil, fmt.Errorf("%s: %w: the key format is missing", path, ErrDamaged)
	}
	return profiles, nil
}

// LockProfiles waits for the lock on the profiles of a folder until ctx ends, at most 30 seconds, and holds it until
// release is called. The error is [ErrLocked] if another process holds it longer.
func LockProfiles(ctx context.Context, folder string) (release func(), err error) {
	return LockFile(ctx, filepath.Join(folder, "profiles.yaml.lock"))
}

// Save writes the profiles to a folder.
func (p *Profiles) Save(folder string) error {
	raw, err := yaml.Marshal(p)
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(folder, "profiles.yaml"), raw)
}
