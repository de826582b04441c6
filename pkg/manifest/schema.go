package manifest

// Schema is the JSON schema of the format, for editors. [Parse] and [Manifest.Expand] check what it cannot express,
// such as duplicate identities.
const Schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "` + SchemaURL + `",
  "title": "manifest",
  "description": "Tripletex webhook subscriptions as they should be: tlxhook diff, tlxhook apply, tlxhook export.",
  "type": "object",
  "required": ["version", "subscriptions"],
  "additionalProperties": false,
  "properties": {
    "$schema": {"type": "string", "description": "The address of this schema, for JSON."},
    "version": {"const": 1},
    "companies": {
      "type": "object",
      "additionalProperties": false,
      "oneOf": [
        {"required": ["all"]},
        {"anyOf": [{"required": ["ids"]}, {"required": ["names"]}], "not": {"required": ["except"]}}
      ],
      "description": "The client companies that this document is for, with --all-companies. Any where left out.",
      "properties": {
        "all": {"const": true, "description": "Every company that the login reaches."},
        "ids": {"$ref": "#/$defs/companyIds"},
        "names": {"$ref": "#/$defs/companyNames"},
        "except": {
          "type": "object",
          "additionalProperties": false,
          "description": "Companies that all leaves out.",
          "properties": {"ids": {"$ref": "#/$defs/companyIds"}, "names": {"$ref": "#/$defs/companyNames"}}
        }
      }
    },
    "owns": {
      "type": "array",
      "items": {"$ref": "#/$defs/address"},
      "description": "Only what lies below these addresses may be deleted by apply --prune."
    },
    "defaults": {
      "type": ["object", "null"],
      "additionalProperties": false,
      "description": "What entries share, unless they say otherwise.",
      "properties": {
        "target": {"$ref": "#/$defs/address"},
        "targetCredentials": {"$ref": "#/$defs/targetCredentials"},
        "fields": {"$ref": "#/$defs/fields"},
        "status": {"$ref": "#/$defs/status"},
        "authHeader": {"$ref": "#/$defs/authHeader"},
        "hmacSecret": {"$ref": "#/$defs/hmacSecret"}
      }
    },
    "subscriptions": {
      "type": "array",
      "items": {
        "type": "object",
        "additionalProperties": false,
        "oneOf": [{"required": ["event"]}, {"required": ["events"]}],
        "properties": {
          "event": {"$ref": "#/$defs/event"},
          "events": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/event"}},
          "target": {"$ref": "#/$defs/address"},
          "targetCredentials": {"$ref": "#/$defs/targetCredentials"},
          "fields": {"$ref": "#/$defs/fields"},
          "status": {"$ref": "#/$defs/status"},
          "authHeader": {"$ref": "#/$defs/authHeader"},
          "hmacSecret": {"$ref": "#/$defs/hmacSecret"}
        }
      }
    }
  },
  "$defs": {
    "event": {
      "type": "string",
      "pattern": "[.*?]",
      "description": "An event such as order.create, or a pattern such as \"order.*\", in quotes."
    },
    "companyIds": {
      "type": "array",
      "items": {"type": "integer", "minimum": 1},
      "description": "As tlxhook company list shows them."
    },
    "companyNames": {
      "type": "array",
      "items": {"type": "string", "minLength": 1},
      "description": "As Tripletex has them, whatever the case; two of one name need their ids."
    },
    "address": {
      "type": "string",
      "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^@?#]+$",
      "description": "An https URL without user name, password and query."
    },
    "targetCredentials": {
      "type": ["object", "null"],
      "additionalProperties": false,
      "description": "Credentials in the target. Not managed where left out or null.",
      "properties": {
        "userinfo": {"$ref": "#/$defs/reference", "description": "Where user:password is."},
        "query": {"$ref": "#/$defs/reference", "description": "Where the query is, such as token=abc."}
      }
    },
    "fields": {
      "type": "string",
      "description": "Deliver only these fields, such as id,version,number. The whole object where left out."
    },
    "status": {
      "enum": ["ACTIVE", "DISABLED"],
      "default": "ACTIVE",
      "description": "A subscription that Tripletex has switched off counts as DISABLED."
    },
    "authHeader": {
      "type": ["object", "null"],
      "additionalProperties": false,
      "required": ["name"],
      "description": "A header that deliveries carry. Not managed where left out or null.",
      "properties": {
        "name": {"type": "string", "minLength": 1, "description": "Such as Authorization."},
        "value": {"$ref": "#/$defs/reference", "description": "Where the value is. Not managed where left out."}
      }
    },
    "hmacSecret": {
      "$ref": "#/$defs/reference",
      "description": "Where the secret that signs deliveries is. Not managed where left out or null."
    },
    "reference": {
      "type": ["object", "null"],
      "additionalProperties": false,
      "minProperties": 1,
      "maxProperties": 1,
      "description": "Where a secret is; a manifest never holds one.",
      "properties": {
        "env": {"type": "string", "pattern": "^[^=$ \\t]+$", "description": "The name of an environment variable."},
        "file": {"type": "string", "minLength": 1, "description": "A file, relative to the manifest."},
        "command": {"type": "string", "minLength": 1, "description": "A command that prints it; needs --trust-manifest."},
        "keyring": {"type": "string", "minLength": 1, "description": "An entry of the keyring, of the service tlxhook-secrets."}
      }
    }
  }
}
`
