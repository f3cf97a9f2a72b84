/** Monaco starts its workers from files beside this script; esbuild puts their names in. */
globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const file = WORKER_FILES[label] ?? WORKER_FILES.editor;
    return new Worker(new URL(file, import.meta.url), { name: label });
  },
};
