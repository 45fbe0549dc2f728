/** Two shelves run towards a lens that watches the aisle. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M4 28 11 15M28 28 21 15M7.4 21.7h5.2M24.6 21.7h-5.2" />
      <circle className="mark-lens" cx="16" cy="9.5" r="5.2" />
      <circle className="mark-pupil" cx="16" cy="9.5" r="1.7" />
    </svg>
  );
}
