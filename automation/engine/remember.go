package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
)

// seen is what was found out about a program's file.
type seen struct {
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Answer   string    `json:"answer"`
}

// remember asks about a program's file, unless kept has the answer for the file as it is.
func remember(kept, path string, info fs.FileInfo, ask func() (string, error)) (string, error) {
	now := seen{Path: path, Size: info.Size(), Modified: info.ModTime().UTC()}
	var before seen
	if content, err := os.ReadFile(kept); err == nil && json.Unmarshal(content, &before) == nil {
		now.Answer = before.Answer
		if now == before && before.Answer != "" {
			return before.Answer, nil
		}
	}
	var err error
	if now.Answer, err = ask(); err != nil {
		return "", err
	}
	if encoded, err := json.Marshal(now); err == nil {
		// Where it cannot be kept, it is asked for again.
		_ = wholefile.Write(kept, encoded)
	}
	return now.Answer, nil
}

// BuildOf tells one build of a program from another, by what is in its file.
func BuildOf(path, stateDir string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return remember(filepath.Join(stateDir, "build.json"), path, info, func() (string, error) {
		file, err := os.Open(path)
		if err != nil {
			return "", err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, file)
		return hex.EncodeToString(sum.Sum(nil)[:8]), errors.Join(err, file.Close())
	})
}
