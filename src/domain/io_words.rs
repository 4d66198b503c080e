//! What the system says of a file, in words that say what to do: Chinese first, the system's own after it.

use std::io::{Error, ErrorKind};

/// Why a file could not be read or written, twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IoWords {
    /// In Chinese.
    pub chinese: String,
    /// In English, with the system's own words.
    pub english: String,
}

/// Why something could not be read.
#[must_use]
pub fn words_of_reading(e: &Error) -> IoWords {
    words(
        e,
        match e.kind() {
            ErrorKind::NotFound => {
                Some(("没有这个文件，请检查文件夹和文件名", "there is no such file; look at its folder and its name"))
            }
            ErrorKind::PermissionDenied => {
                Some(("没有读取权限，请让管理员授权", "no permission to read it; ask for it"))
            }
            ErrorKind::IsADirectory => {
                Some(("这是文件夹，不是文件，请写出文件名", "this is a folder and no file; name the file"))
            }
            ErrorKind::UnexpectedEof => Some(("文件不完整，请重新取得", "it ends too early; get it again")),
            _ => None,
        },
    )
}

/// Why something could not be written.
#[must_use]
pub fn words_of_writing(e: &Error) -> IoWords {
    words(
        e,
        match e.kind() {
            ErrorKind::NotFound => Some((
                "所在的文件夹不存在，请先建立，或换一个位置",
                "its folder is not there; make it, or choose another place",
            )),
            ErrorKind::PermissionDenied => Some((
                "没有写入权限，请换一个位置，或让管理员授权",
                "no permission to write there; choose another place, or ask for it",
            )),
            ErrorKind::IsADirectory => {
                Some(("这是文件夹，不是文件，请写出文件名", "this is a folder and no file; name a file in it"))
            }
            _ => None,
        },
    )
}

/// What is the same for reading and writing, and the system's own words.
fn words(e: &Error, own: Option<(&str, &str)>) -> IoWords {
    let own = own.or(match e.kind() {
        ErrorKind::NotADirectory => {
            Some(("路径中有一段不是文件夹，请检查路径", "a part of its path is no folder; look at the path"))
        }
        ErrorKind::StorageFull => Some(("磁盘已满，请清理后重试", "the disk is full; make room and try again")),
        ErrorKind::QuotaExceeded => {
            Some(("已超出磁盘配额，请清理后重试", "the disk quota is used up; make room and try again"))
        }
        ErrorKind::ReadOnlyFilesystem => {
            Some(("所在的磁盘只读，请换一个位置", "the disk is read-only; choose another place"))
        }
        ErrorKind::InvalidFilename => Some((
            "文件名过长或有不允许的字符，请换一个名字",
            "the name is too long or has letters that are not allowed; choose another",
        )),
        ErrorKind::ResourceBusy | ErrorKind::ExecutableFileBusy => {
            Some(("正被其他程序使用，请关闭后重试", "another program uses it; close that and try again"))
        }
        ErrorKind::FileTooLarge => Some(("文件过大", "the file is too large")),
        ErrorKind::TimedOut => Some(("磁盘没有及时回应，请重试", "the disk did not answer in time; try again")),
        _ => None,
    });
    let system = system_words(e);
    match own {
        Some((chinese, english)) => IoWords { chinese: chinese.to_owned(), english: format!("{english} ({system})") },
        None => IoWords { chinese: format!("系统报告“{system}”"), english: system },
    }
}

/// The system's words without a temporary file's name, which says nothing to anybody.
fn system_words(e: &Error) -> String {
    let said = e.to_string();
    said.split_once(" at path \"").map_or(said.as_str(), |(system, _)| system).to_owned()
}

/// Words of the form `中文 / English`, apart; words of one language, or of several lines, stand for both.
#[must_use]
pub fn halves(words: &str) -> (&str, &str) {
    let parts = if words.contains('\n') { None } else { words.split_once(" / ") };
    parts.unwrap_or((words, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_says_what_to_do_and_english_ends_with_the_system_s_words() {
        let absent = Error::from_raw_os_error(2);
        let (read, write) = (words_of_reading(&absent), words_of_writing(&absent));
        assert!(read.chinese.contains("没有这个文件") && read.english.contains("No such file"), "{read:?}");
        assert!(
            write.chinese.contains("文件夹不存在") && write.english.contains("its folder is not there"),
            "{write:?}"
        );
        for (code, word) in [(13, "权限"), (21, "文件夹"), (28, "磁盘已满"), (30, "只读"), (20, "路径")] {
            let said = words_of_writing(&Error::from_raw_os_error(code));
            assert!(said.chinese.contains(word), "{code} {said:?}");
            assert!(said.english.contains(&format!("os error {code}")), "{said:?}");
        }
        let odd = words_of_reading(&Error::other("odd"));
        assert_eq!((odd.chinese.as_str(), odd.english.as_str()), ("系统报告“odd”", "odd"));
    }

    #[test]
    fn words_of_two_languages_come_apart() {
        assert_eq!(halves("方案 / plan"), ("方案", "plan"));
        assert_eq!(halves("grids"), ("grids", "grids"));
        assert_eq!(halves("a / b\nc"), ("a / b\nc", "a / b\nc"));
    }

    #[test]
    fn a_temporary_file_s_name_is_not_told() {
        let e = tempfile::NamedTempFile::new_in("/nonexistent-folder").expect_err("no folder");
        let said = words_of_writing(&e);
        assert!(!said.english.contains(".tmp") && said.english.contains("No such file"), "{said:?}");
        assert!(said.chinese.contains("文件夹不存在"));
    }
}
