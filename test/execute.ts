import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** A program until it ends: what it printed, and its exit code. Not spawnSync, which would stop the test's own servers. */
export async function execute(
  [command, ...args]: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'env'> = {},
  input?: Uint8Array,
) {
  const child = spawn(command!, args, { ...options, stdio: 'pipe' })
  child.stdin.end(input)
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { stdout, stderr, status: status as number | null }
}
