import ts from 'typescript';
import { parse, placeOf, type Source, walk } from './sources';

/** Classes of the platform. A value of another realm, such as a test file of Jest, is no instance of ours. */
const platformClasses =
  /^((Aggregate|Eval|Range|Reference|Syntax|Type|URI|\w+\.Sqlite|Sqlite)?Error|DOMException|Date|RegExp|Map|Set|(Big)?(Uint|Int|Float)\d+(Clamped)?Array|Array|(Shared)?ArrayBuffer|DataView|Buffer|URL|AbortSignal|AbortController|Object|Function)$/;
const placeForRealms = 'domain/realms.ts';

/** Each `instanceof` that is false for a value of another realm. */
export function realmProblems(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(({ path }) => path !== placeForRealms)
    .flatMap((source) => {
      const problems: string[] = [];
      walk(parse(source), (node) => {
        if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.InstanceOfKeyword) return;
        const name = node.right.getText();
        if (!platformClasses.test(name)) return;
        problems.push(`${placeOf(node)}: instanceof ${name} is false for a value of another realm: use domain/realms`);
      });
      return problems;
    });
}
