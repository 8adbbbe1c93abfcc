import type { z } from 'zod';

type Schema = z.core.$ZodType;

/**
 * Converts the arguments that a model sends to the form that a tool's schema expects. These rules apply only to tool calls:
 *
 * - `null` counts as absent. In the strict modes of some providers every argument is required, and models send `null` to omit one.
 * - A text that is a number, `true` or `false` is converted if the argument has that type.
 * - A text that is a JSON list or object is converted if the argument is a list or an object.
 *
 * All other values stay unchanged, and the schema accepts or rejects them.
 */
export function argumentsFromModel(schema: z.ZodObject, given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const present = Object.entries(given).filter(([name, value]) => value !== null || !Object.hasOwn(schema.shape, name));
  return Object.fromEntries(
    present.map(([name, value]) => [
      name,
      valueFromModel(Object.hasOwn(schema.shape, name) ? schema.shape[name] : undefined, value),
    ]),
  );
}

/** Converts one argument, by the rules of `argumentsFromModel`. */
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

/** Returns the type of the schema inside wrappers such as `optional`. */
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
 * Simplifies a JSON schema from zod for the strictest providers. It removes `minLength`, which Gemini's function declarations and OpenAI's
 * strict mode do not support, and the limits of safe integers, which do not help models. The zod schema still checks both.
 */
export function simplifyForModels({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  delete jsonSchema.minLength;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}
