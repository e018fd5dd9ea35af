#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

/** The command that npm links. It runs the TypeScript in a checkout, and the compiled JavaScript in a package. */

/** The server and the command need this version. The client runs on Node 22.19 too. */
const NEEDED_NODE = 26

if (Number.parseInt(process.versions.node, 10) < NEEDED_NODE) {
  console.error(`kelvin: needs Node ${NEEDED_NODE} or later, not ${process.version}`)
  process.exit(1)
}
// Keeps compiled code on disk, so that the next start is faster. The folder is beside the sources and not in a temporary
// folder, where other users could plant code. Where Node cannot write to it, only speed is lost.
enableCompileCache(fileURLToPath(new URL('../.cache', import.meta.url)))
const source = new URL('../src/cli/kelvin.ts', import.meta.url)
const compiled = new URL('../dist/src/cli/kelvin.js', import.meta.url)
await import(existsSync(source) ? source.href : compiled.href)
