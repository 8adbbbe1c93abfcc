import { exportFormat } from './export-format';
import type { ImportFormat, ImportTarget } from './import-format';
import { langchainFormat } from './langchain-format';
import { langgraphFormat } from './langgraph-format';
import { mem0Format } from './mem0-format';

const formats = {
  export: exportFormat,
  mem0: mem0Format,
  langgraph: langgraphFormat,
  langchain: langchainFormat,
} satisfies Record<string, (target: ImportTarget) => ImportFormat>;

/** The values of `import --from`. */
export const importFormatNames = Object.keys(formats) as (keyof typeof formats)[];

/** Returns the format with this name. Default: the output of the export command. */
export function importFormat(name: string | undefined, target: ImportTarget): ImportFormat {
  return formats[(name ?? 'export') as keyof typeof formats](target);
}
