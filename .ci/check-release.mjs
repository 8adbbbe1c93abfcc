// Checks that a release tag fits the package in the working directory: `node .ci/check-release.mjs v1.2.3`.
import { readFileSync } from 'node:fs';

const tag = process.argv[2] ?? '';
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const changelog = readFileSync('CHANGELOG.md', 'utf8').split(/\r?\n/);

const heading = new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d{2}-\\d{2}$`);
const start = changelog.findIndex((line) => heading.test(line));
const section = changelog.slice(start + 1);
const end = section.findIndex((line) => line.startsWith('## '));
const entries = section.slice(0, end < 0 ? undefined : end).filter((line) => line.startsWith('- '));

const problems = [
  tag === `v${version}`
    ? []
    : [`The tag is ${tag || 'missing'}, but package.json says ${version}: expected v${version}.`],
  start >= 0
    ? []
    : [`CHANGELOG.md has no section "## [${version}] - YYYY-MM-DD". Rename "Unreleased" and add the date.`],
  start < 0 || entries.length > 0 ? [] : [`The section of ${version} in CHANGELOG.md has no entries.`],
].flat();

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`${tag} fits package.json and CHANGELOG.md.`);
