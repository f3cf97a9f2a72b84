export const query = gql`
  query TooManyRootFields {
    r0: site { version }
    r1: site { version }
    r2: site { version }
    r3: site { version }
    r4: site { version }
    r5: site { version }
    r6: site { version }
    r7: site { version }
    r8: site { version }
    r9: site { version }
    r10: site { version }
    r11: site { version }
    r12: site { version }
    r13: site { version }
    r14: site { version }
    r15: site { version }
    r16: site { version }
    r17: site { version }
    r18: site { version }
    r19: site { version }
    r20: site { version }
  }
`;
