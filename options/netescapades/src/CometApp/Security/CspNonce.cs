using NetEscapades.AspNetCore.SecurityHeaders;

namespace CometApp.Security;

/// <summary>What an inline script of this response carries to be allowed to run: <c>&lt;script nonce="@Nonce"&gt;</c>.</summary>
public sealed class CspNonce(IHttpContextAccessor accessor)
{
    public override string ToString() => accessor.HttpContext!.GetNonce();
}
