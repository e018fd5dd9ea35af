import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/** Runs a program to its end. Returns its output and exit code. spawnSync would block the servers of the test. */
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
