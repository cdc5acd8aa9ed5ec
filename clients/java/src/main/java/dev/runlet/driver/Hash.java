package dev.runlet.driver;

import com.google.protobuf.ByteString;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The SHA-256 of what was had so far. */
final class Hash {
  private final MessageDigest digest;

  Hash() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException error) {
      // Every Java has it.
      throw new IllegalStateException(error);
    }
  }

  void update(ByteString data) {
    digest.update(data.asReadOnlyByteBuffer());
  }

  String hex() {
    try {
      MessageDigest copy = (MessageDigest) digest.clone();
      return HexFormat.of().formatHex(copy.digest());
    } catch (CloneNotSupportedException error) {
      throw new IllegalStateException(error);
    }
  }
}
