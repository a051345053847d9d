//! The one place with unsafe code: SQLite's virtual file system (VFS) over [`Disk`]s.
//!
//! The crates that offer a VFS behind a safe trait do not serve here: `sqlite-vfs` calls itself a prototype, does not
//! support the write-ahead log and says 1,024 for every sector's size; `sqlite-plugin` is built with bindgen, which needs
//! libclang wherever the lab is built, and claims by default that writes reach the disk in their order.
//!
//! What SQLite promises, and what all of this rests on: a file's methods are called with a `sqlite3_file` that `open` filled
//! and `close` has not yet ended, by one thread at a time; buffers have the lengths that are given with them; names end with
//! a zero.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::ffi;

use super::disk::{Disk, DiskError, File};
use super::locks::{Held, INDEX_LOCKS, Level, Locks};
use crate::error::TpccError;

/// The VFS's name, for `rusqlite::Connection::open_with_flags_and_vfs`.
pub(super) const NAME: &CStr = c"sealab-volume";

/// Names are short: a number and an ending.
const MOST_NAME_BYTES: c_int = 64;
/// The day 1970-01-01 in milliseconds of the Julian calendar.
const JULIAN_1970: i64 = 210_866_760_000_000;

/// The disks that connections can be opened to, by the names of their databases.
static DISKS: Mutex<Option<HashMap<String, Arc<Disk>>>> = Mutex::new(None);
static NEXT: AtomicU64 = AtomicU64::new(1);
static REGISTERED: OnceLock<c_int> = OnceLock::new();

/// A disk while connections can be opened to it.
pub(super) struct Registered {
    name: String,
}

impl Registered {
    /// Gives `disk` a name.
    pub(super) fn new(disk: Arc<Disk>) -> Result<Self, TpccError> {
        let result = *REGISTERED.get_or_init(register);
        if result != ffi::SQLITE_OK {
            return Err(TpccError::Failed {
                what: "registering SQLite's file system".to_owned(),
                status: format!("error {result}"),
                message: ffi::code_to_str(result).to_owned(),
            });
        }
        let name = format!("/{}", NEXT.fetch_add(1, Ordering::Relaxed));
        disks().get_or_insert_default().insert(name.clone(), disk);
        Ok(Self { name })
    }

    /// The name by which connections are opened.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(disks) = &mut *disks() {
            disks.remove(&self.name);
        }
    }
}

fn disks() -> MutexGuard<'static, Option<HashMap<String, Arc<Disk>>>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The disk and the file with the name `name`.
fn find(name: &str) -> Option<(Arc<Disk>, File)> {
    let (database, file) = if let Some(database) = name.strip_suffix("-wal") {
        (database, File::Log)
    } else if let Some(database) = name.strip_suffix("-journal") {
        (database, File::Journal)
    } else {
        (name, File::Database)
    };
    let disk = disks().as_ref()?.get(database)?.clone();
    Some((disk, file))
}

fn register() -> c_int {
    let vfs = Box::new(ffi::sqlite3_vfs {
        iVersion: 2,
        szOsFile: size_of::<OpenFile>() as c_int,
        mxPathname: MOST_NAME_BYTES,
        pNext: ptr::null_mut(),
        zName: NAME.as_ptr(),
        pAppData: ptr::null_mut(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_name),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: None,
        xCurrentTimeInt64: Some(current_time_milliseconds),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    });
    // SAFETY: the structure is whole and, being leaked, stays for as long as the process, as SQLite asks. SQLite is
    // initialised by the call.
    unsafe { ffi::sqlite3_vfs_register(Box::into_raw(vfs), 0) }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// What SQLite keeps for us of an open file; `base` comes first, as SQLite asks.
#[repr(C)]
struct OpenFile {
    base: ffi::sqlite3_file,
    /// From `Box::into_raw`, while the file is open.
    handle: *mut Handle,
}

struct Handle {
    disk: Arc<Disk>,
    file: File,
    held: Held,
}

impl Handle {
    fn locks<T>(&mut self, act: impl FnOnce(&mut Locks, &mut Held) -> T) -> T {
        let mut locks = self.disk.locks.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut locks, &mut self.held)
    }
}

/// The handle of an open file.
///
/// # Safety
/// `file` is one that `open` filled and `close` has not ended, and no other reference to its handle lives.
unsafe fn handle<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Handle {
    // SAFETY: SQLite gives methods the memory that `open` filled as an OpenFile, whose handle is a Box's; one thread at a
    // time calls methods of a file, so the reference is the only one.
    unsafe { &mut *(*file.cast::<OpenFile>()).handle }
}

/// The text of a name.
///
/// # Safety
/// `name` is null or a string that ends with a zero and lives as long as the result is used.
unsafe fn text<'a>(name: *const c_char) -> Option<&'a str> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(name) }.to_str().ok()
}

fn code(result: Result<(), DiskError>, otherwise: c_int) -> c_int {
    match result {
        Ok(()) => ffi::SQLITE_OK,
        Err(DiskError::Full) => ffi::SQLITE_FULL,
        Err(DiskError::Volume) => otherwise,
    }
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: `file` has room for szOsFile bytes, an OpenFile's. Without methods it counts as closed.
    unsafe { (*file).pMethods = ptr::null() };
    // SAFETY: a name from SQLite, or none for a temporary file, which are kept in memory and never asked for.
    let Some((disk, which)) = unsafe { text(name) }.and_then(find) else {
        return ffi::SQLITE_CANTOPEN;
    };
    if !disk.is_there(which) {
        if flags & ffi::SQLITE_OPEN_CREATE == 0 {
            return ffi::SQLITE_CANTOPEN;
        }
        disk.make(which);
    }
    let handle = Box::new(Handle {
        disk,
        file: which,
        held: Held::default(),
    });
    // SAFETY: as above; nothing that was there needs to be dropped.
    unsafe {
        file.cast::<OpenFile>().write(OpenFile {
            base: ffi::sqlite3_file { pMethods: &METHODS },
            handle: Box::into_raw(handle),
        });
    }
    if !out_flags.is_null() {
        // SAFETY: not null, so SQLite's place for them.
        unsafe { *out_flags = flags };
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the file is open, so its handle is from `Box::into_raw`; SQLite calls no method after this one.
    let mut handle = unsafe { Box::from_raw((*file.cast::<OpenFile>()).handle) };
    // SAFETY: the memory is SQLite's, and there.
    unsafe { (*file).pMethods = ptr::null() };
    handle.locks(|locks, held| {
        locks.unmap(held);
        locks.unlock(held, Level::None);
    });
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    data: *mut c_void,
    bytes: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let (Ok(bytes), Ok(offset)) = (usize::try_from(bytes), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_READ;
    };
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    // SAFETY: SQLite's buffer of so many bytes, which nobody else uses meanwhile. It may not have been written to before;
    // of bytes, any content is one.
    let data = unsafe { std::slice::from_raw_parts_mut(data.cast::<u8>(), bytes) };
    match handle.disk.read(handle.file, offset, data) {
        Err(_) => ffi::SQLITE_IOERR_READ,
        Ok(there) if there < data.len() => {
            data[there..].fill(0);
            ffi::SQLITE_IOERR_SHORT_READ
        }
        Ok(_) => ffi::SQLITE_OK,
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    data: *const c_void,
    bytes: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let (Ok(bytes), Ok(offset)) = (usize::try_from(bytes), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    // SAFETY: SQLite's buffer of so many bytes, which nobody changes meanwhile.
    let data = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), bytes) };
    code(
        handle.disk.write(handle.file, offset, data),
        ffi::SQLITE_IOERR_WRITE,
    )
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    let Ok(length) = u64::try_from(length) else {
        return ffi::SQLITE_IOERR_TRUNCATE;
    };
    code(
        handle.disk.truncate(handle.file, length),
        ffi::SQLITE_IOERR_TRUNCATE,
    )
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    code(handle.disk.sync(), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    // A file is no longer than its volume.
    let length = handle.disk.length(handle.file).cast_signed();
    // SAFETY: SQLite's place for the answer.
    unsafe { *size = length };
    ffi::SQLITE_OK
}

fn level(number: c_int) -> Option<Level> {
    Some(match number {
        ffi::SQLITE_LOCK_NONE => Level::None,
        ffi::SQLITE_LOCK_SHARED => Level::Shared,
        ffi::SQLITE_LOCK_RESERVED => Level::Reserved,
        ffi::SQLITE_LOCK_PENDING => Level::Pending,
        ffi::SQLITE_LOCK_EXCLUSIVE => Level::Exclusive,
        _ => return None,
    })
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    let Some(level) = level(wanted) else {
        return ffi::SQLITE_IOERR_LOCK;
    };
    match handle.locks(|locks, held| locks.lock(held, level)) {
        Ok(()) => ffi::SQLITE_OK,
        Err(_) => ffi::SQLITE_BUSY,
    }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, wanted: c_int) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    let Some(level) = level(wanted) else {
        return ffi::SQLITE_IOERR_UNLOCK;
    };
    handle.locks(|locks, held| locks.unlock(held, level));
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, reserved: *mut c_int) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    let found = handle.locks(|locks, _| locks.is_reserved());
    // SAFETY: SQLite's place for the answer.
    unsafe { *reserved = c_int::from(found) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(
    _file: *mut ffi::sqlite3_file,
    _operation: c_int,
    _argument: *mut c_void,
) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    // At most 65,536.
    handle.disk.block_bytes() as c_int
}

/// Nothing is claimed: neither that writes keep their order, nor that a torn write leaves the bytes beside it alone, which
/// formats that seal whole blocks do not promise.
unsafe extern "C" fn device_characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    0
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    part: c_int,
    bytes: c_int,
    extend: c_int,
    address: *mut *mut c_void,
) -> c_int {
    let (Ok(part), Ok(bytes)) = (usize::try_from(part), usize::try_from(bytes)) else {
        return ffi::SQLITE_IOERR_SHMMAP;
    };
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    let region = handle.locks(|locks, held| locks.map(held, part, bytes, extend != 0));
    // SAFETY: SQLite's place for the answer, null where the part is not there.
    unsafe { *address = region.map_or(ptr::null_mut(), <*mut u8>::cast) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    let (Ok(first), Ok(count)) = (usize::try_from(first), usize::try_from(count)) else {
        return ffi::SQLITE_IOERR_SHMLOCK;
    };
    if first >= INDEX_LOCKS || count > INDEX_LOCKS - first {
        return ffi::SQLITE_IOERR_SHMLOCK;
    }
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    let slots = first..first + count;
    let done = handle.locks(|locks, held| {
        if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
            locks.unlock_index(held, slots);
            return Ok(());
        }
        locks.lock_index(held, slots, flags & ffi::SQLITE_SHM_EXCLUSIVE != 0)
    });
    match done {
        Ok(()) => ffi::SQLITE_OK,
        Err(_) => ffi::SQLITE_BUSY,
    }
}

unsafe extern "C" fn shm_barrier(_file: *mut ffi::sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: the file is open.
    let handle = unsafe { handle(file) };
    handle.locks(|locks, held| locks.unmap(held));
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, name: *const c_char, _sync: c_int) -> c_int {
    // SAFETY: a name from SQLite.
    let Some((disk, file)) = unsafe { text(name) }.and_then(find) else {
        return ffi::SQLITE_IOERR_DELETE;
    };
    if !disk.is_there(file) {
        return ffi::SQLITE_IOERR_DELETE_NOENT;
    }
    code(disk.remove(file), ffi::SQLITE_IOERR_DELETE)
}

unsafe extern "C" fn access(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    result: *mut c_int,
) -> c_int {
    // SAFETY: a name from SQLite.
    let found = unsafe { text(name) }.and_then(find);
    let there = found.is_some_and(|(disk, file)| disk.is_there(file));
    // SAFETY: SQLite's place for the answer.
    unsafe { *result = c_int::from(there) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_name(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    full: *mut c_char,
) -> c_int {
    // SAFETY: a name from SQLite.
    let Some(name) = (unsafe { text(name) }) else {
        return ffi::SQLITE_CANTOPEN;
    };
    let Ok(room) = usize::try_from(room) else {
        return ffi::SQLITE_CANTOPEN;
    };
    if name.len() >= room {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: `full` has room for `room` bytes, the name and a zero are no more, and the two do not overlap.
    unsafe {
        ptr::copy_nonoverlapping(name.as_ptr(), full.cast::<u8>(), name.len());
        *full.add(name.len()) = 0;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_vfs: *mut ffi::sqlite3_vfs, bytes: c_int, data: *mut c_char) -> c_int {
    let Ok(length) = usize::try_from(bytes) else {
        return 0;
    };
    // SAFETY: SQLite's buffer of so many bytes.
    let data = unsafe { std::slice::from_raw_parts_mut(data.cast::<u8>(), length) };
    match getrandom::fill(data) {
        Ok(()) => bytes,
        Err(_) => 0,
    }
}

unsafe extern "C" fn sleep(_vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    std::thread::sleep(Duration::from_micros(microseconds.unsigned_abs().into()));
    microseconds
}

fn julian_milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    JULIAN_1970 + i64::try_from(since.as_millis()).unwrap_or_default()
}

unsafe extern "C" fn current_time(_vfs: *mut ffi::sqlite3_vfs, days: *mut f64) -> c_int {
    // SAFETY: SQLite's place for the answer.
    unsafe { *days = julian_milliseconds() as f64 / 86_400_000.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time_milliseconds(
    _vfs: *mut ffi::sqlite3_vfs,
    milliseconds: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite's place for the answer.
    unsafe { *milliseconds = julian_milliseconds() };
    ffi::SQLITE_OK
}
