using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Comet.AspNetCore.Hosting;

/// <summary>
/// A file of the debug page. It is in the assembly, and not among the static web assets of the package, so that it is served where the page
/// is, and nowhere else.
/// </summary>
/// <param name="Name">What it is called, below the page.</param>
/// <param name="ContentType">What it is.</param>
/// <param name="Content">UTF-8.</param>
internal sealed record DebugPageFile(string Name, string ContentType, byte[] Content)
{
    private readonly EntityTagHeaderValue _tag = new($"\"{Convert.ToHexStringLower(SHA256.HashData(Content)[..16])}\"");

    /// <summary>The page, with places for what differs from app to app.</summary>
    internal static readonly DebugPageFile Page = Read("page.html", "text/html; charset=utf-8");

    internal static readonly DebugPageFile[] Served =
    [
        Read("page.css", "text/css; charset=utf-8"),
        Read("page.js", "text/javascript; charset=utf-8"),
        Read("comet.js", "text/javascript; charset=utf-8"),
        Read("icon.svg", "image/svg+xml"),
    ];

    /// <summary>The same file with a text in a place.</summary>
    internal DebugPageFile With(string place, string text) =>
        new(Name, ContentType, Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Content).Replace(place, text, StringComparison.Ordinal)));

    internal Task WriteAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "private, no-cache";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return TypedResults.Bytes(Content, ContentType, entityTag: _tag).ExecuteAsync(context);
    }

    private static DebugPageFile Read(string name, string contentType)
    {
        using var content = typeof(DebugPageFile).Assembly.GetManifestResourceStream($"DebugPage/{name}")!;
        var bytes = new byte[content.Length];
        content.ReadExactly(bytes);
        return new(name, contentType, bytes);
    }
}
