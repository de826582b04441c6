package secret

import (
	"crypto/rand"
	"math/big"
)

// generatedLength is the length of a generated secret, 285 bits.
const generatedLength = 48

// Generate returns a random secret of letters and digits, which needs no quoting in shells and configuration files.
func Generate() (Text, error) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	text := make([]byte, generatedLength)
	for i := range text {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			return "", err
		}
		text[i] = letters[n.Int64()]
	}
	return Text(text), nil
}
