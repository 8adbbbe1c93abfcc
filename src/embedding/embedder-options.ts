import { z } from 'zod';
import { expected, fields, integer } from '../domain/parse/shapes';
import { nonEmptyString } from '../providers/model-options';

const string = z.string({ error: expected('a string') });

/** The options that all embedders of external models share. */
export const modelOptions = {
  model: nonEmptyString,
  dimensions: integer(1),
  maxTokens: integer(1).exactOptional(),
  prefix: fields({ document: string.exactOptional(), query: string.exactOptional() }).exactOptional(),
};
