package apigateway

import rego.v1

# What the engine puts in place of a value that is not known yet, by the value's kind:
# https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/rpc.go
unknowns := {
	"1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", "3eeb2bf0-c639-47a8-9e75-3b44932eb421", "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
	"6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", "030794c1-ac77-496b-92df-f27374a8bd58", "e48ece36-62e2-4504-bad9-02848725956a",
	"dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}

unknown(value) if value in unknowns

# property is an input at a path; null where it is not set.
property(path) := object.get(input.properties, path, null)

# Programs of some languages write numbers and truth values as text.
yes(value) if value in {true, "true"}

# no: it is known and not yes; one that is not set counts as what AWS takes then.
not_yes(value) if {
	not unknown(value)
	not yes(value)
}

list(value) := value if is_array(value)

list(value) := [] if value == null

list(value) := [] if unknown(value)

list(value) := [value] if {
	not is_array(value)
	not value == null
	not unknown(value)
}

# A document may be text or, in some resources, an object.
document(value) := json.unmarshal(value) if {
	is_string(value)
	json.is_valid(value)
}

document(value) := value if is_object(value)

# One statement may stand without a list around it.
statements(value) := list(object.get(document(value), "Statement", []))

allows(value) := [statement | some statement in statements(value); statement.Effect == "Allow"]

# texts are the strings of a value that is one or a list of them.
texts(value) := {text | some text in list(value); is_string(text)}
