using System.Buffers;

namespace Comet.AspNetCore.Formats;

/// <summary>
/// The function of the page that a stream calls: a dotted path of JavaScript identifiers, such as <c>parent.clockChanged</c>.
/// </summary>
internal static class CallbackName
{
    /// <summary>Longer names are rejected; no real page has one.</summary>
    internal const int MaxLength = 128;

    private const string Rule =
        "A callback is a dotted path of JavaScript identifiers of at most 128 characters, such as \"parent.clockChanged\": " +
        "letters, digits, _ and $, no part empty, beginning with a digit, or a reserved word.";

    private static readonly HashSet<string> Reserved = new(StringComparer.Ordinal)
    {
        "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do", "else", "enum",
        "export", "extends", "false", "finally", "for", "function", "if", "import", "in", "instanceof", "new", "null", "return",
        "super", "switch", "this", "throw", "true", "try", "typeof", "var", "void", "while", "with", "yield", "let", "static",
    };

    private static readonly HashSet<string>.AlternateLookup<ReadOnlySpan<char>> ReservedSpans =
        Reserved.GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly SearchValues<char> IdentifierCharacters =
        SearchValues.Create("$0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");

    /// <summary>The name, after checking it.</summary>
    /// <exception cref="ArgumentException">The name is not a dotted path of identifiers. The message does not repeat it.</exception>
    internal static string Check(string callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return IsPath(callback) ? callback : throw new ArgumentException(Rule, nameof(callback));
    }

    /// <summary>Whether a request may choose this name: one function of the page that holds the frame, or of the frame's element.</summary>
    internal static bool IsAllowedFromRequest(string callback)
    {
        if (!IsPath(callback))
        {
            return false;
        }
        return callback.Split('.') is ["parent" or "frameElement", _];
    }

    private static bool IsPath(string name)
    {
        if (name.Length is 0 or > MaxLength)
        {
            return false;
        }
        foreach (var range in name.AsSpan().Split('.'))
        {
            var part = name.AsSpan(range);
            if (part.IsEmpty || char.IsAsciiDigit(part[0]) || ReservedSpans.Contains(part) || part.ContainsAnyExcept(IdentifierCharacters))
            {
                return false;
            }
        }
        return true;
    }
}
