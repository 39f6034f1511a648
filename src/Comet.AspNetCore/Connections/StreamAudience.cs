using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// For whom a stream is. Pages of one browser that share a connection ask: a page of another user, who has signed in meanwhile, must not
/// get what the first one reads.
/// </summary>
internal static class StreamAudience
{
    private const int Bytes = 12;

    /// <summary>The same text for the same user on every server, which is not the user's name; null: nobody has signed in.</summary>
    internal static string? Of(HttpContext context)
    {
        if (CometVisitor.Of(context).User is not { } user)
        {
            return null;
        }
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(user), hash);
        return Base64Url.EncodeToString(hash[..Bytes]);
    }
}
