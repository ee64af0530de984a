// Bundles the unit tests, since Node 20 reads no TypeScript, and runs them with node:test.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const tests = fileURLToPath(new URL('tests/', import.meta.url));
const out = await mkdtemp(join(tmpdir(), 'perennial-'));
const names = (await readdir(tests)).filter((name) => name.endsWith('.test.ts'));
await build({
  entryPoints: names.map((name) => tests + name),
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  loader: { '.css': 'text' },
});
const built = names.map((name) => join(out, name.replace('.ts', '.mjs')));
const { status } = spawnSync(process.execPath, ['--test', ...built], { stdio: 'inherit' });
await rm(out, { recursive: true });
process.exit(status ?? 1);
