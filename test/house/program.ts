import { join } from 'node:path';
import ts from 'typescript';
import { repository } from './sources';

/** The repository's own compiler settings, with a few of them changed. */
export function compilerOptions(changes: ts.CompilerOptions = {}): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(repository, 'tsconfig.json'), ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, repository);
  return { ...options, noEmit: true, ...changes };
}

/** A program of files that exist only here, by absolute path; what they import is read from the disk. */
export function compile(files: ReadonlyMap<string, string>, changes: ts.CompilerOptions = {}): ts.Program {
  const options = compilerOptions(changes);
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = files.get(path);
    return text === undefined
      ? getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, text, languageVersion, true);
  };
  return ts.createProgram([...files.keys()], options, host);
}
