package manifest

// Schema is the JSON schema of the format, for editors. [Parse] and [Manifest.Expand] check the rules that it cannot express,
// such as duplicate identities.
const Schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "` + SchemaURL + `",
  "title": "manifest",
  "description": "Tripletex webhook subscriptions for tlxhook diff, apply and export.",
  "type": "object",
  "required": ["version", "subscriptions"],
  "additionalProperties": false,
  "properties": {
    "$schema": {"type": "string", "description": "URL of this schema, for JSON manifests."},
    "version": {"const": 1},
    "companies": {
      "type": "object",
      "additionalProperties": false,
      "oneOf": [
        {"required": ["all"]},
        {"anyOf": [{"required": ["ids"]}, {"required": ["names"]}], "not": {"required": ["except"]}}
      ],
      "description": "Client companies that this document applies to with --all-companies. Default: all.",
      "properties": {
        "all": {"const": true, "description": "All client companies of the login."},
        "ids": {"$ref": "#/$defs/companyIds"},
        "names": {"$ref": "#/$defs/companyNames"},
        "except": {
          "type": "object",
          "additionalProperties": false,
          "description": "Companies to exclude from all.",
          "properties": {"ids": {"$ref": "#/$defs/companyIds"}, "names": {"$ref": "#/$defs/companyNames"}}
        }
      }
    },
    "owns": {
      "type": "array",
      "items": {"$ref": "#/$defs/address"},
      "description": "URLs below which apply --prune may delete subscriptions."
    },
    "defaults": {
      "type": ["object", "null"],
      "additionalProperties": false,
      "description": "Default settings of all entries.",
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
      "description": "Event such as order.create, or a quoted pattern such as \"order.*\"."
    },
    "companyIds": {
      "type": "array",
      "items": {"type": "integer", "minimum": 1},
      "description": "Company IDs, as listed by tlxhook company list."
    },
    "companyNames": {
      "type": "array",
      "items": {"type": "string", "minLength": 1},
      "description": "Company names, ignoring case. Companies with the same name need ids."
    },
    "address": {
      "type": "string",
      "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^@?#]+$",
      "description": "https URL without user name, password and query."
    },
    "targetCredentials": {
      "type": ["object", "null"],
      "additionalProperties": false,
      "description": "Credentials in the target. Not managed if omitted or null.",
      "properties": {
        "userinfo": {"$ref": "#/$defs/reference", "description": "Reference to user:password."},
        "query": {"$ref": "#/$defs/reference", "description": "Reference to the query, such as token=abc."}
      }
    },
    "fields": {
      "type": "string",
      "description": "Fields to deliver, such as id,version,number. Default: all."
    },
    "status": {
      "enum": ["ACTIVE", "DISABLED"],
      "default": "ACTIVE",
      "description": "Status of the subscription. A status DISABLED_… of Tripletex counts as DISABLED."
    },
    "authHeader": {
      "type": ["object", "null"],
      "additionalProperties": false,
      "required": ["name"],
      "description": "Header of each delivery. Not managed if omitted or null.",
      "properties": {
        "name": {"type": "string", "minLength": 1, "description": "Header name, such as Authorization."},
        "value": {"$ref": "#/$defs/reference", "description": "Reference to the header value. Not managed if omitted."}
      }
    },
    "hmacSecret": {
      "$ref": "#/$defs/reference",
      "description": "Reference to the secret that signs deliveries. Not managed if omitted or null."
    },
    "reference": {
      "type": ["object", "null"],
      "additionalProperties": false,
      "minProperties": 1,
      "maxProperties": 1,
      "description": "Reference to a secret; a manifest contains no secrets.",
      "properties": {
        "env": {"type": "string", "pattern": "^[^=$ \\t]+$", "description": "Name of an environment variable."},
        "file": {"type": "string", "minLength": 1, "description": "File path, relative to the manifest."},
        "command": {"type": "string", "minLength": 1, "description": "Command that prints the secret; requires --trust-manifest."},
        "keyring": {"type": "string", "minLength": 1, "description": "Keyring entry of the service tlxhook-secrets."}
      }
    }
  }
}
`
