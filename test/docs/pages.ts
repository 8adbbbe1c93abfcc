import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Example, examplesIn } from '../house/examples';
import { repository } from '../house/sources';

/** Every JavaScript and TypeScript example of a page. */
export function examplesOf(page: string): readonly Example[] {
  return examplesIn(page, readFileSync(join(repository, page), 'utf8'));
}
