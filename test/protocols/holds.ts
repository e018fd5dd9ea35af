/**
 * A server imports this before it starts. It logs each time that the event loop is blocked, in milliseconds of
 * processor time, which does not pass while the machine does other work.
 */
const LONG = 3

function used(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

let last = used()
setInterval(() => {
  const now = used()
  if (now - last > LONG) console.log(JSON.stringify({ held: now - last }))
  last = now
}, 1).unref()
