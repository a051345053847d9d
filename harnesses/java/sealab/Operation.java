package sealab;

import java.security.GeneralSecurityException;

/**
 * One operation of an algorithm. What it throws is answered: UnsupportedOperationException where the library has not
 * what is asked for, any other as a refusal.
 */
@FunctionalInterface
interface Operation {
    Answer run(Request request) throws GeneralSecurityException;
}
