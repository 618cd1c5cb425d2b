use super::*;

fn layout(
    offset: usize,
    field_length: usize,
    adjustment: i64,
    num_skip: impl Into<Option<usize>>,
) -> Result<Layout, LengthDelimitedBuildError> {
    Layout::new(
        Order::Big,
        offset,
        field_length,
        adjustment,
        num_skip.into(),
    )
}

fn range(
    offset: usize,
    field_length: usize,
    adjustment: i64,
    num_skip: impl Into<Option<usize>>,
) -> (usize, usize) {
    let layout = layout(offset, field_length, adjustment, num_skip).unwrap();
    (layout.least, layout.most)
}

#[test]
fn a_length_fits_the_field_the_head_and_the_memory() {
    const MEMORY: usize = LONGEST_BUFFER;
    assert_eq!(range(0, 1, 0, None), (0, 255));
    assert_eq!(range(0, 3, 0, None), (0, 0xff_ffff));
    assert_eq!(range(0, 8, 0, None), (0, MEMORY - 8));
    assert_eq!(range(7, 1, 0, 20), (0, 255));
    // The field counts the head, too.
    assert_eq!(range(0, 2, -2, None), (0, 0xfffd));
    assert_eq!(range(0, 1, -255, None), (0, 0));
    // The item holds the head.
    assert_eq!(range(0, 2, 0, 0), (2, 0xffff));
    assert_eq!(range(3, 2, 0, 3), (2, 0xffff));
    assert_eq!(range(3, 2, 5, 0), (5, 0xffff + 5));
    // No field says less than 0.
    assert_eq!(range(0, 1, 1000, None), (1000, 1255));
    assert_eq!(range(0, 8, i64::MIN, None).0, 0);
    // Nothing but an empty item fits behind the longest head.
    assert_eq!(range(0, 4, 0, MEMORY), (0, 0));
    if size_of::<usize>() == 8 {
        assert_eq!(range(0, 8, i64::MIN, None), (0, MEMORY - 8));
        assert_eq!(range(0, 8, i64::MAX - 8, None), (MEMORY - 8, MEMORY - 8));
    }
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    use LengthDelimitedBuildError::*;

    for field_length in [0, 9, usize::MAX] {
        let error = layout(0, field_length, 0, None).unwrap_err();
        assert_eq!(error, FieldLength);
    }
    for (offset, num_skip) in [
        (usize::MAX, None),
        (LONGEST_BUFFER, None),
        (0, Some(usize::MAX)),
        (LONGEST_BUFFER, Some(0)),
        ((u32::MAX as usize).saturating_add(1), None),
    ] {
        let error = layout(offset, 4, 0, num_skip).unwrap_err();
        assert_eq!(error, HeadTooLong);
    }
    if size_of::<usize>() > 4 {
        assert!(layout(u32::MAX as usize, 4, 0, None).is_ok());
    }
    for num_skip in [3, 4, 5] {
        let error = layout(2, 4, 0, num_skip).unwrap_err();
        assert_eq!(error, SkipInsideField);
    }
    for (field_length, adjustment, num_skip) in [
        (1, -256, 1),
        (1, -255, 0),
        (1, i64::MIN, 1),
        (8, 1, LONGEST_BUFFER),
        (8, i64::MAX, 8),
    ] {
        let error = layout(0, field_length, adjustment, num_skip).unwrap_err();
        assert_eq!(error, NoFrameFits);
    }
}

/// What `i128` says, for every value near a border of the field or of the adjustment.
#[test]
fn a_field_is_read_as_what_it_is_and_never_wraps() {
    let near = |middle: i128| (-3..=3).map(move |step| middle + step);
    let middles = [
        0,
        i128::from(u8::MAX),
        i128::from(u16::MAX),
        i128::from(u32::MAX),
        isize::MAX as i128,
        i128::from(i64::MAX),
        i128::from(u64::MAX),
    ];
    let adjustments = || {
        [0, 255, -255, i128::from(i64::MIN), i128::from(i64::MAX)]
            .into_iter()
            .flat_map(near)
            .filter_map(|adjustment| i64::try_from(adjustment).ok())
    };
    for field_length in 1..=8 {
        for adjustment in adjustments() {
            let Ok(layout) = layout(0, field_length, adjustment, None) else {
                continue;
            };
            for field in middles.into_iter().flat_map(near) {
                let Ok(field) = u64::try_from(field) else {
                    continue;
                };
                if field.leading_zeros() as usize / 8 < 8 - field_length {
                    continue;
                }
                let head = &field.to_be_bytes()[8 - field_length..];
                let len = i128::from(field) + i128::from(adjustment);
                assert_eq!(layout.field(head), Some(field));
                if layout.fields(layout.most).contains(field) {
                    let found = layout.item_length(field);
                    assert_eq!(found as i128, len);
                    assert!(found <= LONGEST_BUFFER - field_length);
                    continue;
                }
                match layout.error_of(field) {
                    LengthDelimitedError::FrameTooShort { field: told } => {
                        assert!(len < 0 && told == field);
                    }
                    LengthDelimitedError::FrameTooLong { field: told } => {
                        assert!(len > (LONGEST_BUFFER - field_length) as i128);
                        assert_eq!(told, field);
                    }
                    error => panic!("{error}"),
                }
            }
        }
    }
}

#[test]
fn a_field_is_the_same_whether_eight_bytes_are_there_or_just_its_own() {
    for offset in [0, 3] {
        for field_length in 1..=8 {
            for order in [Order::Big, Order::Little] {
                let layout = Layout::new(order, offset, field_length, 0, None).unwrap();
                let bytes: Vec<u8> = (0x81..0xa1).collect();
                let mut field = bytes[offset..][..field_length].to_vec();
                if order == Order::Little {
                    field.reverse();
                }
                let field = field.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
                for end in 0..bytes.len() {
                    let expected = (end >= offset + field_length).then_some(field);
                    assert_eq!(layout.field(&bytes[..end]), expected);
                }
            }
        }
    }
}

#[test]
fn a_maximum_below_every_item_allows_no_field() {
    let layout = layout(0, 1, 10, None).unwrap();
    for field in 0..=255 {
        assert!(!layout.fields(9).contains(field));
        assert_eq!(layout.fields(10).contains(field), field == 0);
    }
}
