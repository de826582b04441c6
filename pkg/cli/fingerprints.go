package cli

import (
	"path/filepath"

	"github.com/tlxhook/tlxhook/pkg/config"
	"github.com/tlxhook/tlxhook/pkg/fleet"
	"github.com/tlxhook/tlxhook/pkg/manifest"
)

// Folders below the state folder. The sandbox has its own, as a reset sandbox reuses IDs.
const (
	fingerprintsFolder        = "fingerprints"
	sandboxFingerprintsFolder = "fingerprints-sandbox"
)

// fingerprints returns the file of fingerprints for a login and a company.
func (a *App) fingerprints(m fleet.Account) (manifest.FingerprintFile, error) {
	folders, err := config.NewFolders(a.lookup)
	folder, api := fingerprintsFolder, m.Client.BaseURL()
	if m.Profile == config.SandboxProfile {
		folder = sandboxFingerprintsFolder
		if a.settings.BaseURL == "" {
			api = "sandbox" // the same with and without sandbox serve
		}
	}
	return manifest.NewFingerprintFile(filepath.Join(folders.State, folder), m.Profile, api, m.CompanyID), err
}

// warnNotStored reports fingerprints that could not be stored. The command succeeds, as the next plan then reports
// these secrets as unknown.
func (a *App) warnNotStored(err error) {
	if err != nil {
		a.note("warning: which secrets were sent could not be noted: %v", err)
	}
}

// removeSandboxFingerprints deletes the fingerprints of a sandbox that was reset.
func (a *App) removeSandboxFingerprints() error {
	folders, err := config.NewFolders(a.lookup)
	if err != nil {
		return err
	}
	return manifest.RemoveFingerprints(filepath.Join(folders.State, sandboxFingerprintsFolder))
}
