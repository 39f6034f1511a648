using System.Buffers;
using System.Collections.Frozen;

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

    // What the element of a frame can be called with, in Chromium, Firefox and WebKit.
    private static readonly FrozenSet<string> FrameMembers = """
        __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__ addEventListener after animate append appendChild ariaNotify
        attachInternals attachShadow before blur checkVisibility click cloneNode closest compareDocumentPosition computedStyleMap
        constructor contains dispatchEvent focus getAnimations getAttribute getAttributeNS getAttributeNames getAttributeNode
        getAttributeNodeNS getBoundingClientRect getClientRects getElementsByClassName getElementsByTagName
        getElementsByTagNameNS getHTML getRootNode getSVGDocument hasAttribute hasAttributeNS hasAttributes hasChildNodes
        hasOwnProperty hasPointerCapture hidePopover
        insertAdjacentElement insertAdjacentHTML insertAdjacentText insertBefore isDefaultNamespace isEqualNode isPrototypeOf isSameNode
        lookupNamespaceURI lookupPrefix matches moveBefore mozMatchesSelector mozRequestFullScreen normalize prepend propertyIsEnumerable
        pseudo querySelector querySelectorAll releaseCapture releasePointerCapture remove removeAttribute removeAttributeNS
        removeAttributeNode removeChild removeEventListener replaceChild replaceChildren replaceWith requestFullscreen requestPointerLock
        scroll scrollBy scrollIntoView scrollIntoViewIfNeeded scrollTo setAttribute setAttributeNS setAttributeNode setAttributeNodeNS
        setCapture setHTML setHTMLUnsafe setPointerCapture showPopover startViewTransition toLocaleString toString toggleAttribute
        togglePopover valueOf webkitMatchesSelector webkitRequestFullScreen webkitRequestFullscreen when
        """.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);

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

    /// <summary>
    /// Whether this is a function that the page has given to the frame's element: the only kind that a request may choose. It reaches
    /// nothing else of the page, and nothing that the element can do by itself.
    /// </summary>
    internal static bool IsOfFrame(string callback) =>
        IsPath(callback) && callback.Split('.') is ["frameElement", var name] && !FrameMembers.Contains(name);

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
