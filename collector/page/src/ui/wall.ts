import { useCallback } from "react";
import { useLocation, useSearch } from "wouter";

/** Wall mode is `?wall=1`: a link to a wall is a link. Large type, no controls. */
export function useWall(): [boolean, () => void] {
  const [path, navigate] = useLocation();
  const search = useSearch();
  const wall = new URLSearchParams(search).get("wall") === "1";
  const toggle = useCallback(() => {
    const query = new URLSearchParams(search);
    if (wall) query.delete("wall");
    else query.set("wall", "1");
    const text = query.toString();
    navigate(text === "" ? path : `${path}?${text}`, { replace: true });
  }, [path, search, wall, navigate]);
  return [wall, toggle];
}
