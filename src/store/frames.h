/* frames: SQLite's files as they are, but a frame of its journal (WAL) is written by one call and
 * not by two: the 24 bytes of its header wait for the page that comes directly behind them.
 *
 * Nothing is less durable for it. SQLite makes a frame visible (in the wal-index) after both calls,
 * and the frame's checksum is over both parts: a header without its page is as good as no frame. A
 * header is written alone where no page follows it, and that is where SQLite has just read the
 * frame to sum it up anew (a page that changed after it had been written). Whatever else SQLite
 * asks of the file comes after what waits, and fails where that fails.
 *
 * Refuses: to join anything where SQLite cuts pages at a sync, on disks whose writes may harm what
 * lies beside them (without SQLITE_IOCAP_POWERSAFE_OVERWRITE): 24 bytes may be a page's end there.
 */
#ifndef STORE_FRAMES_H
#define STORE_FRAMES_H

#define FRAMES_VFS "plue-frames" /* for sqlite3_open_v2 */

/* Once, after sqlite3_config: it initialises SQLite. The default VFS of that moment stands below.
 */
void frames_register(void);

#endif
