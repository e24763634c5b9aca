//! The order of the 64 rounds of SHA-256 (FIPS 180-4 section 6.2.2), sixteen at a time, for vectors of any width.
//!
//! Callers have macros `round` and `schedule` of their own. The names of the eight words move by one place from round to round.

/// Sixteen rounds.
macro_rules! rounds {
    ($k:expr, $w:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        round!($a $b $c $d $e $f $g $h, $k[0], $w[0]);
        round!($h $a $b $c $d $e $f $g, $k[1], $w[1]);
        round!($g $h $a $b $c $d $e $f, $k[2], $w[2]);
        round!($f $g $h $a $b $c $d $e, $k[3], $w[3]);
        round!($e $f $g $h $a $b $c $d, $k[4], $w[4]);
        round!($d $e $f $g $h $a $b $c, $k[5], $w[5]);
        round!($c $d $e $f $g $h $a $b, $k[6], $w[6]);
        round!($b $c $d $e $f $g $h $a, $k[7], $w[7]);
        round!($a $b $c $d $e $f $g $h, $k[8], $w[8]);
        round!($h $a $b $c $d $e $f $g, $k[9], $w[9]);
        round!($g $h $a $b $c $d $e $f, $k[10], $w[10]);
        round!($f $g $h $a $b $c $d $e, $k[11], $w[11]);
        round!($e $f $g $h $a $b $c $d, $k[12], $w[12]);
        round!($d $e $f $g $h $a $b $c, $k[13], $w[13]);
        round!($c $d $e $f $g $h $a $b, $k[14], $w[14]);
        round!($b $c $d $e $f $g $h $a, $k[15], $w[15]);
    };
}

/// The words of the next sixteen rounds.
macro_rules! schedules {
    ($w:ident) => {
        schedule!($w, 0, 1, 9, 14);
        schedule!($w, 1, 2, 10, 15);
        schedule!($w, 2, 3, 11, 0);
        schedule!($w, 3, 4, 12, 1);
        schedule!($w, 4, 5, 13, 2);
        schedule!($w, 5, 6, 14, 3);
        schedule!($w, 6, 7, 15, 4);
        schedule!($w, 7, 8, 0, 5);
        schedule!($w, 8, 9, 1, 6);
        schedule!($w, 9, 10, 2, 7);
        schedule!($w, 10, 11, 3, 8);
        schedule!($w, 11, 12, 4, 9);
        schedule!($w, 12, 13, 5, 10);
        schedule!($w, 13, 14, 6, 11);
        schedule!($w, 14, 15, 7, 12);
        schedule!($w, 15, 0, 8, 13);
    };
}

/// Both, the word of a place right after its round, so that a processor has independent work at any time. It takes 32 registers.
macro_rules! rounds_and_schedules {
    ($k:expr, $w:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
        round!($a $b $c $d $e $f $g $h, $k[0], $w[0]);
        schedule!($w, 0, 1, 9, 14);
        round!($h $a $b $c $d $e $f $g, $k[1], $w[1]);
        schedule!($w, 1, 2, 10, 15);
        round!($g $h $a $b $c $d $e $f, $k[2], $w[2]);
        schedule!($w, 2, 3, 11, 0);
        round!($f $g $h $a $b $c $d $e, $k[3], $w[3]);
        schedule!($w, 3, 4, 12, 1);
        round!($e $f $g $h $a $b $c $d, $k[4], $w[4]);
        schedule!($w, 4, 5, 13, 2);
        round!($d $e $f $g $h $a $b $c, $k[5], $w[5]);
        schedule!($w, 5, 6, 14, 3);
        round!($c $d $e $f $g $h $a $b, $k[6], $w[6]);
        schedule!($w, 6, 7, 15, 4);
        round!($b $c $d $e $f $g $h $a, $k[7], $w[7]);
        schedule!($w, 7, 8, 0, 5);
        round!($a $b $c $d $e $f $g $h, $k[8], $w[8]);
        schedule!($w, 8, 9, 1, 6);
        round!($h $a $b $c $d $e $f $g, $k[9], $w[9]);
        schedule!($w, 9, 10, 2, 7);
        round!($g $h $a $b $c $d $e $f, $k[10], $w[10]);
        schedule!($w, 10, 11, 3, 8);
        round!($f $g $h $a $b $c $d $e, $k[11], $w[11]);
        schedule!($w, 11, 12, 4, 9);
        round!($e $f $g $h $a $b $c $d, $k[12], $w[12]);
        schedule!($w, 12, 13, 5, 10);
        round!($d $e $f $g $h $a $b $c, $k[13], $w[13]);
        schedule!($w, 13, 14, 6, 11);
        round!($c $d $e $f $g $h $a $b, $k[14], $w[14]);
        schedule!($w, 14, 15, 7, 12);
        round!($b $c $d $e $f $g $h $a, $k[15], $w[15]);
        schedule!($w, 15, 0, 8, 13);
    };
}

pub(crate) use {rounds, rounds_and_schedules, schedules};
