import { chatgptFormat, claudeFormat, openaiFormat, sharegptFormat } from './assistant-formats';
import { exportFormat } from './export-format';
import type { ImportFormat, ImportTarget } from './import-format';
import { langchainFormat } from './langchain-format';
import { lettaFormat } from './letta-format';
import { markdownFormat } from './markdown-format';
import { mcpMemoryFormat } from './mcp-memory-format';
import { mem0Format } from './mem0-format';
import { sillytavernFormat } from './sillytavern-format';
import { csvFormat, jsonFormat } from './table-formats';
import { whatsappFormat } from './whatsapp-format';

const formats = {
  export: exportFormat,
  mem0: mem0Format,
  // Loaded on first use, because it loads the library with it.
  langgraph: async (target) => (await import('./langgraph-format')).langgraphFormat(target),
  langchain: langchainFormat,
  'mcp-memory': mcpMemoryFormat,
  letta: lettaFormat,
  markdown: markdownFormat,
  chatgpt: chatgptFormat,
  claude: claudeFormat,
  openai: openaiFormat,
  sharegpt: sharegptFormat,
  sillytavern: sillytavernFormat,
  whatsapp: whatsappFormat,
  csv: csvFormat,
  json: jsonFormat,
} satisfies Record<string, (target: ImportTarget) => ImportFormat | Promise<ImportFormat>>;

/** A value of `import --from`. */
export type ImportFormatName = keyof typeof formats;

/** The values of `import --from`. */
export const importFormatNames = Object.keys(formats) as ImportFormatName[];

/** The formats that take `--session`, because their messages may have none. */
export const sessionFormats: readonly string[] = [
  'langchain',
  'openai',
  'sharegpt',
  'sillytavern',
  'whatsapp',
] satisfies ImportFormatName[];

/** Returns the format with this name. Default: the output of the export command. */
export async function importFormat(name: string | undefined, target: ImportTarget): Promise<ImportFormat> {
  return formats[(name ?? 'export') as ImportFormatName](target);
}
