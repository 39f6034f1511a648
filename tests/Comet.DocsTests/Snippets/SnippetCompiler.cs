using System.Globalization;
using System.Text.RegularExpressions;
using Comet.DocsTests.Documents;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Comet.DocsTests.Snippets;

/// <summary>
/// Compiles a C# block as what it is: types, statements of a Program.cs, or members of a controller. It sees the types of all blocks of
/// its page, and those of the generated app. A block with using directives is a whole file, and gets no others than the SDK gives it.
/// </summary>
internal static partial class SnippetCompiler
{
    private const string SdkUsings =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Net.Http.Json;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.AspNetCore.Hosting;
        global using Microsoft.AspNetCore.Http;
        global using Microsoft.AspNetCore.Routing;
        global using Microsoft.Extensions.Configuration;
        global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting;
        global using Microsoft.Extensions.Logging;
        global using Xunit;
        """;

    private const string FragmentUsings =
        """
        using Comet.AspNetCore;
        using Comet.AspNetCore.Stores;
        using Comet.AspNetCore.Testing;
        using CometApp.Feeds;
        using CometApp.Models;
        using Microsoft.AspNetCore.Mvc;
        using Microsoft.AspNetCore.TestHost;
        using Microsoft.Extensions.DependencyInjection.Extensions;
        using Microsoft.Playwright;
        using Microsoft.Playwright.Xunit.v3;
        """;

    // What an app's own tests share. The app of the documents is called Hello.
    private static readonly string AppFixture = File.ReadAllText(Path.Combine(Document.Repository, "content/tests/CometApp.Tests/App.cs"))
        .Replace("CometApp", "Hello", StringComparison.Ordinal);

    // A parameter of a context that a snippet does not read, a Program beside that of the app, a local function that shows something.
    private static readonly HashSet<string> Ignored = ["CS9113", "CS0436", "CS8321", "CS1701", "CS1702"];

    private static readonly CSharpParseOptions Language = new(LanguageVersion.CSharp14);

    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private enum Kind
    {
        Types,
        Program,
        Members,
    }

    /// <summary>The errors and warnings of a block, each with its line in the document.</summary>
    internal static IReadOnlyList<string> Compile(CodeBlock block)
    {
        var root = Parse(block.Text);
        var kind = KindOf(root);
        var own = TypesOf(root).ToHashSet(); // a page may show a type in two ways
        var trees = block.Document.Blocks
            .Where(other => other.Language == "csharp" && other != block && KindOf(Parse(other.Text)) == Kind.Types)
            .Where(other => !TypesOf(Parse(other.Text)).Any(own.Contains))
            .Select(other => Tree(other, Kind.Types))
            .Append(CSharpSyntaxTree.ParseText(SdkUsings, Language))
            .Append(CSharpSyntaxTree.ParseText(AppFixture, Language));
        var tree = Tree(block, kind);
        var output = kind == Kind.Program ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary;
        var options = new CSharpCompilationOptions(output, nullableContextOptions: NullableContextOptions.Enable);
        return
        [
            .. CSharpCompilation.Create("Snippet", [.. trees, tree], References, options).GetDiagnostics()
                .Where(found => found.Severity >= DiagnosticSeverity.Warning && !Ignored.Contains(found.Id))
                .Where(found => found.Location.SourceTree is null || found.Location.SourceTree == tree)
                .Select(Describe),
        ];
    }

    private static string Describe(Diagnostic found)
    {
        var at = found.Location.GetMappedLineSpan();
        return $"{at.Path}:{at.StartLinePosition.Line + 1}: {found.Id} {found.GetMessage(CultureInfo.InvariantCulture)}";
    }

    private static CompilationUnitSyntax Parse(string text) => CSharpSyntaxTree.ParseText(text, Language).GetCompilationUnitRoot();

    private static Kind KindOf(CompilationUnitSyntax root) =>
        root.Members.All(IsType) ? Kind.Types : root.Members.Any(IsMember) ? Kind.Members : Kind.Program;

    private static bool IsType(MemberDeclarationSyntax member) =>
        member is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax or BaseNamespaceDeclarationSyntax;

    private static bool IsMember(MemberDeclarationSyntax member) =>
        member is BaseMethodDeclarationSyntax or BasePropertyDeclarationSyntax or BaseFieldDeclarationSyntax ||
        (member is GlobalStatementSyntax { Statement: LocalFunctionStatementSyntax function } &&
            (function.AttributeLists.Count > 0 || function.Modifiers.Any(modifier => modifier.IsKind(SyntaxKind.PublicKeyword))));

    private static SyntaxTree Tree(CodeBlock block, Kind kind)
    {
        var root = Parse(block.Text);
        var isFile = root.Usings.Count > 0 || root.Members.Any(member => member is BaseNamespaceDeclarationSyntax);
        var usings = isFile ? "" : string.Join('\n', NamespacesOf(block.Document).Select(name => $"using {name};").Prepend(FragmentUsings));
        var split = root.Usings.Count > 0 ? root.Usings[^1].FullSpan.End : 0;
        var line = block.Line + block.Text[..split].Count(character => character == '\n');
        var text = kind switch
        {
            Kind.Program => Own() + "\n#line hidden\n" + Prelude(root, block.Given) + Rest(),
            Kind.Members => Own() + Class(block.Given) + Rest() + "\n#line hidden\n}",
            _ => Own() + Rest(),
        };
        return CSharpSyntaxTree.ParseText(text, Language, path: block.ToString());

        string Class(string parameters) => $"\n#line hidden\npublic sealed class Snippet({parameters}) : Controller\n{{";
        string Own() => $"{usings}\n#line {block.Line} \"{block.Document.Path}\"\n{block.Text[..split]}";
        string Rest() => $"\n#line {line} \"{block.Document.Path}\"\n{block.Text[split..]}";
    }

    private static IEnumerable<string> TypesOf(CompilationUnitSyntax root) =>
        root.DescendantNodes().OfType<BaseTypeDeclarationSyntax>().Select(type => type.Identifier.Text);

    private static IEnumerable<string> NamespacesOf(Document document) =>
        document.Blocks.Where(block => block.Language == "csharp")
            .SelectMany(block => Parse(block.Text).Members.OfType<BaseNamespaceDeclarationSyntax>())
            .Select(found => found.Name.ToString())
            .Distinct();

    // What the code before has declared: the usual names of a Program.cs and of a test, and what the document says is given.
    private static string Prelude(CompilationUnitSyntax root, string given)
    {
        var parameters = Separators().Split(given).Where(parameter => parameter.Length > 0).ToList();
        var declared = root.DescendantNodes().OfType<VariableDeclaratorSyntax>().Select(variable => variable.Identifier.Text)
            .Concat(parameters.Select(parameter => parameter.Split(' ')[^1]))
            .ToHashSet();
        var used = root.DescendantNodes().OfType<IdentifierNameSyntax>().Select(name => name.Identifier.Text).Except(declared).ToHashSet();
        var needsBuilder = used.Contains("builder") || (used.Contains("app") && !declared.Contains("builder"));
        return (needsBuilder ? "var builder = WebApplication.CreateBuilder(args);\n" : "") +
            (used.Contains("app") ? "var app = builder.Build();\n" : "") +
            (used.Contains("client") ? "using var client = new HttpClient();\n" : "") +
            string.Concat(parameters.Select(parameter => $"{parameter} = default!;\n"));
    }

    // Not those inside type arguments.
    [GeneratedRegex(", (?![^<]*>)")]
    private static partial Regex Separators();
}
