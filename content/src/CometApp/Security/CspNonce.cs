using System.Security.Cryptography;

namespace CometApp.Security;

/// <summary>What an inline script of this response carries to be allowed to run: <c>&lt;script nonce="@Nonce"&gt;</c>.</summary>
public sealed class CspNonce
{
    private readonly string _value = Convert.ToBase64String(RandomNumberGenerator.GetBytes(18));

    public override string ToString() => _value;
}
