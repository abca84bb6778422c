// The draft, photos and all, on this device until it is sent: over a reload, a crash, a day without a network.

const NAME = "whistle-report";
const STORE = "draft";
const KEY = "now";

let opening = null;

function open() {
  opening ||= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
  return opening;
}

async function within(mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

// Nothing where the browser keeps nothing (private windows): the form works without.
export const load = () => within("readonly", (store) => store.get(KEY)).catch(() => null);

// Whether it is kept.
export const save = (draft) => within("readwrite", (store) => store.put(draft, KEY)).then(() => true, () => false);

export const forget = () => within("readwrite", (store) => store.delete(KEY)).catch(() => null);
