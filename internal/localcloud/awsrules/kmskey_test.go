package awsrules

import "testing"

func TestKeysAndTheirUsers(t *testing.T) {
	const root = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`
	a := newAccount(t)
	for name, inputs := range map[string]map[string]any{
		"nobody could change it": {"policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}]}`},
		"too soon":               {"deletionWindowInDays": 3.0},
	} {
		if _, err := a.try(KMSKey, inputs); err == nil {
			t.Error(name)
		}
	}
	own := a.make(KMSKey, map[string]any{"policy": root + "]}"})
	a.refuses("InvalidParameterException", LogGroup, map[string]any{"kmsKeyId": own.Text("arn")})
	shared := a.make(KMSKey, map[string]any{"policy": root + `,{"Effect":"Allow","Principal":{"Service":"logs.us-east-1.amazonaws.com"},"Action":"kms:Encrypt*","Resource":"*"}]}`})
	a.make(LogGroup, map[string]any{"kmsKeyId": shared.Text("arn")})
}
