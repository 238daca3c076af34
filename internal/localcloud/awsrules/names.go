package awsrules

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

func randomHex(digits int) string {
	buffer := make([]byte, (digits+1)/2)
	_, _ = rand.Read(buffer) // never fails: https://pkg.go.dev/crypto/rand#Read
	return hex.EncodeToString(buffer)[:digits]
}

func randomID(prefix string, digits int) func(*call) string {
	return func(*call) string { return prefix + randomHex(digits) }
}

// byName takes the name as the id.
func byName(c *call) string { return c.text("name") }

func (c *call) arn(service, region, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", Partition(c.region), service, region, Account, resource)
}

// regional is the ARN of something in the call's region.
func (c *call) regional(service, resource string) string { return c.arn(service, c.region, resource) }

// byARN takes the ARN as the id.
func byARN(c *call) properties { return properties{"arn": c.object.ID} }

func lowerHash(text string, digits int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:digits]
}

// upperHash uses the alphabet of IAM's ids.
func upperHash(text string, digits int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	sum := sha256.Sum256([]byte(text))
	result := make([]byte, digits)
	for i := range result {
		result[i] = alphabet[int(sum[i])%len(alphabet)]
	}
	return string(result)
}
