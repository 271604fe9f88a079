// Uploads with progress, which fetch does not report.
import { failure, notifyConnection } from "./api.js";

/**
 * Posts files as a form.
 * @param {string} path
 * @param {File[]} files
 * @param {(share: number) => void} onProgress called with the share of the bytes that has been sent
 * @returns {Promise<object>} the answer's JSON; problems are thrown as `api.js` throws them
 */
export function upload(path, files, onProgress = () => {}) {
  const form = new FormData();
  for (const file of files) form.append("file", file, file.name);
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", path);
    sending.responseType = "text";
    sending.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    sending.onload = () => {
      notifyConnection(true);
      const answer = parsed(sending.responseText);
      if (sending.status < 300) resolve(answer);
      else reject(failure(sending.status, answer));
    };
    sending.onerror = () => {
      notifyConnection(false);
      reject(failure(0, {}));
    };
    sending.send(form);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
