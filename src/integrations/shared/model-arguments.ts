import type { z } from 'zod';

type Schema = z.core.$ZodType;

/**
 * Arguments as models send them, in the form that a tool's schema expects. In a tool call, and nowhere else in this library:
 *
 * - `null` counts as absent. Strict modes of providers make every argument required, and send `null` for those that the model leaves out.
 * - a text that is a number, `true` or `false` counts as that value if the argument has that type
 * - a text that is a JSON list or object counts as that value if the argument is a list or an object
 *
 * Everything else stays as it is, so that the schema rejects it.
 */
export function argumentsFromModel(schema: z.ZodObject, given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const present = Object.entries(given).filter(([name, value]) => value !== null || !Object.hasOwn(schema.shape, name));
  return Object.fromEntries(present.map(([name, value]) => [name, valueFromModel(schema.shape[name], value)]));
}

/** One argument, as `argumentsFromModel` changes it. */
export function valueFromModel(schema: Schema | undefined, value: unknown): unknown {
  if (schema === undefined || typeof value !== 'string') return value;
  switch (baseType(schema)) {
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : value;
    case 'array':
      return parsedJson(value, '[');
    case 'custom':
      return parsedJson(value, '{');
    default:
      return value;
  }
}

/** The type of a schema without `optional` and the like around it. */
function baseType(schema: Schema): string {
  const { def } = schema._zod;
  return 'innerType' in def ? baseType(def.innerType as Schema) : def.type;
}

function parsedJson(text: string, start: string): unknown {
  if (!text.trimStart().startsWith(start)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Changes a JSON schema of zod for the strictest providers: Gemini's function declarations and OpenAI's strict mode do not know
 * `minLength`, and the bounds of safe integers say nothing. The schema itself still checks both.
 */
export function simplifyForModels({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  delete jsonSchema.minLength;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}
