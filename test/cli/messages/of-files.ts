import type { Refused } from './refused.ts';

/** What cannot be done with files. `$FOLDER` is a folder of both sides, with an empty `file`. */
export const OF_FILES: readonly Refused[] = [
  ['cp nope:/a b', 125, 'no session has a process nope (PROCESS_NOT_FOUND)'],
  ['cp $FOLDER/none :/x', 1, "cannot copy '$FOLDER/none': no such file or directory (ENOENT)"],
  [
    'cp :$FOLDER/none $FOLDER/x',
    1,
    "cannot copy '$FOLDER/none': no such file or directory (FILE_NOT_FOUND)",
  ],
  ['cp $FOLDER :/x', 1, "cannot copy '$FOLDER': it is a folder, which takes -r"],
  ['cp :$FOLDER $FOLDER/x', 1, "cannot copy '$FOLDER': it is a folder, which takes -r"],
  ['cp :$FOLDER/file :$FOLDER', 1, "cannot copy '$FOLDER/file' to itself"],
  [
    'files cat $FOLDER/none $FOLDER/none/x',
    1,
    "cannot read '$FOLDER/none': no such file or directory (FILE_NOT_FOUND)",
    "cannot read '$FOLDER/none/x': no such file or directory (FILE_NOT_FOUND)",
  ],
  [
    'files ls $FOLDER/file/x',
    1,
    "cannot look at '$FOLDER/file/x': not a directory (NOT_A_DIRECTORY)",
  ],
  [
    'files stat one:/none --session nope',
    2,
    'all paths have to be of one session; see `runlet files stat --help`',
  ],
  ['files mkdir $FOLDER', 1, "cannot make folder '$FOLDER': file already exists (FILE_EXISTS)"],
  [
    'files rm $FOLDER/none',
    1,
    "cannot remove '$FOLDER/none': no such file or directory (FILE_NOT_FOUND)",
  ],
  ['files rm -r /', 1, "cannot remove '/': open: it has no name (FILE_BUSY)"],
  [
    'files mv -n $FOLDER/file $FOLDER/vars',
    1,
    "cannot move '$FOLDER/file': '$FOLDER/vars': file already exists (FILE_EXISTS)",
  ],
  ['files watch $FOLDER/file', 1, "cannot watch '$FOLDER/file': not a directory (NOT_A_DIRECTORY)"],
];
