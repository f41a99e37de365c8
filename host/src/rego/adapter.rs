//! The functions that stand between a policy's own functions and the component's: written instruction by instruction,
//! appended to the policy's module, sharing its memory. Each takes what the policy gives without believing it: an
//! address outside of the memory traps, an id that was not listed aborts, a text is cut.

use super::luggage::{Luggage, Span};
use super::shape::{Import, Shape};
use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, ValType};

/// How `opa_eval` writes its answer: OPA's value text, because in JSON a set has lost its order and that it was one.
const VALUE_TEXT: i32 = 1;

/// Functions that the finished module imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outer {
    /// `palisade:plugin/logging.log`: level, address, length.
    Log,
    /// `palisade:opa/builtins.call`: name, list of arguments, where to write the answer.
    Call,
}

impl Outer {
    pub const fn parameters(self) -> usize {
        match self {
            Outer::Log => 3,
            Outer::Call => 5,
        }
    }
}

/// The functions of this file, in the order in which they are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inner {
    Realloc,
    Length,
    Shown,
    Place,
    Delegate,
    Builtin(u32),
    Abort,
    Println,
    Adopt,
    Ready,
    Eval,
    AfterEval,
    Entrypoints,
}

pub const ALL: [Inner; 17] = [
    Inner::Realloc,
    Inner::Length,
    Inner::Shown,
    Inner::Place,
    Inner::Delegate,
    Inner::Builtin(0),
    Inner::Builtin(1),
    Inner::Builtin(2),
    Inner::Builtin(3),
    Inner::Builtin(4),
    Inner::Abort,
    Inner::Println,
    Inner::Adopt,
    Inner::Ready,
    Inner::Eval,
    Inner::AfterEval,
    Inner::Entrypoints,
];

impl Inner {
    /// Numbers of parameters and results, all of them `i32`.
    pub const fn signature(self) -> (usize, usize) {
        match self {
            Inner::Realloc => (4, 1),
            Inner::Length | Inner::Shown => (1, 1),
            Inner::Place => (2, 0),
            Inner::Delegate => (2, 1),
            Inner::Builtin(count) => (2 + count as usize, 1),
            Inner::Abort | Inner::Println | Inner::Adopt | Inner::AfterEval => (1, 0),
            Inner::Ready => (0, 0),
            Inner::Eval => (3, 1),
            Inner::Entrypoints => (0, 1),
        }
    }

    /// What stands in for a function that the policy imports.
    pub const fn of(import: Import) -> Self {
        match import {
            Import::Abort => Inner::Abort,
            Import::Println => Inner::Println,
            Import::Builtin(count) => Inner::Builtin(count),
        }
    }
}

/// Globals that are appended, all `i32`, all zero at first.
#[derive(Clone, Copy)]
enum Global {
    /// Where the luggage lies; zero until it is adopted.
    Block,
    /// The parsed data.
    Data,
    /// Room for answers and arguments.
    Scratch,
    /// Where the heap of an evaluation begins.
    Heap,
}

pub const GLOBALS: u32 = 4;

/// When the luggage comes into the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Somebody puts it there and calls `Adopt` before the first use.
    Before,
    /// At the first use, out of the passive data segment of this number.
    FirstUse(u32),
}

/// Where in the scratch room the arguments of a builtin begin; the answer stands before them.
const ARGUMENTS: u64 = 16;
/// An answer of 12 bytes, and addresses and lengths of four arguments from 16 on.
const SCRATCH: i32 = 48;
/// More of one message is not logged: what the host keeps of one, too (`Texts::message`).
const MESSAGE: i32 = 4096;
/// `debug` and `error` of `palisade:plugin/logging`.
const DEBUG: i32 = 0;
const ERROR: i32 = 3;

/// What the functions need to know of the module that they go into.
pub struct Adapter<'a> {
    pub shape: &'a Shape,
    pub luggage: &'a Luggage,
    pub arrival: Arrival,
    /// The functions that the finished module imports; their place here is their number.
    pub outer: &'a [Outer],
    /// Number of the first appended function, and of the first appended global.
    pub first_function: u32,
    pub first_global: u32,
}

impl Adapter<'_> {
    /// The number of a function of the policy in the finished module: the imports before it are others.
    fn policy(&self, name: &str) -> u32 {
        self.renumbered(self.shape.function(name))
    }

    pub fn renumbered(&self, function: u32) -> u32 {
        match self.shape.imports.get(function as usize) {
            Some(import) => self.inner(Inner::of(*import)),
            None => function - self.shape.imports.len() as u32 + self.outer.len() as u32,
        }
    }

    pub fn inner(&self, function: Inner) -> u32 {
        let place = ALL.iter().position(|inner| *inner == function).expect("`ALL` has them all");
        self.first_function + place as u32
    }

    fn outer(&self, function: Outer) -> Option<u32> {
        self.outer.iter().position(|outer| *outer == function).map(|place| place as u32)
    }

    fn global(&self, global: Global) -> u32 {
        self.first_global + global as u32
    }

    pub fn body(&self, function: Inner) -> Function {
        match function {
            Inner::Realloc => self.realloc(),
            Inner::Length => self.length(),
            Inner::Shown => self.shown(),
            Inner::Place => self.place(),
            Inner::Delegate => self.delegate(),
            Inner::Builtin(count) => self.builtin(count),
            Inner::Abort => self.abort(),
            Inner::Println => self.println(),
            Inner::Adopt => self.adopt(),
            Inner::Ready => self.ready(),
            Inner::Eval => self.eval(),
            Inner::AfterEval => self.after_eval(),
            Inner::Entrypoints => self.entrypoints(),
        }
    }

    /// The canonical ABI's. `opa_malloc` does not align: so much more is asked for, and the address rounded up. With
    /// alignment 1 the address is `opa_malloc`'s own, and `opa_free` takes it back.
    fn realloc(&self) -> Function {
        let (old, old_size, align, size, made) = (0, 1, 2, 3, 4);
        written(1, |code| {
            code.local_get(size).local_get(align).i32_const(1).i32_sub().i32_add().local_tee(made);
            code.local_get(size).i32_lt_u().if_(BlockType::Empty).unreachable().end();
            code.local_get(made).call(self.policy("opa_malloc"));
            code.local_get(align).i32_const(1).i32_sub().i32_add();
            code.i32_const(0).local_get(align).i32_sub().i32_and().local_set(made);
            code.local_get(old_size).if_(BlockType::Empty).local_get(made).local_get(old);
            code.local_get(old_size).local_get(size).local_get(old_size).local_get(size).i32_lt_u().select();
            code.memory_copy(0, 0).end().local_get(made);
        })
    }

    /// Of a text that ends with a NUL. Without one it traps at the memory's end.
    fn length(&self) -> Function {
        let (address, length) = (0, 1);
        written(1, |code| {
            code.loop_(BlockType::Empty);
            code.local_get(address).local_get(length).i32_add().i32_load8_u(at(0)).if_(BlockType::Empty);
            code.local_get(length).i32_const(1).i32_add().local_set(length).br(1);
            code.end().end().local_get(length);
        })
    }

    /// How much of a text that ends with a NUL is logged: at most `MESSAGE` bytes, and no half character.
    fn shown(&self) -> Function {
        let (address, length) = (0, 1);
        let byte = |code: &mut InstructionSink<'_>| {
            code.local_get(address).local_get(length).i32_add().i32_load8_u(at(0));
        };
        written(1, |code| {
            code.block(BlockType::Empty).loop_(BlockType::Empty);
            code.local_get(length).i32_const(MESSAGE).i32_ge_u().br_if(1);
            byte(code);
            code.i32_eqz().br_if(1);
            code.local_get(length).i32_const(1).i32_add().local_set(length).br(0).end().end();
            code.block(BlockType::Empty).loop_(BlockType::Empty);
            code.local_get(length).i32_eqz().br_if(1);
            byte(code);
            code.i32_const(0xc0).i32_and().i32_const(0x80).i32_ne().br_if(1);
            code.local_get(length).i32_const(1).i32_sub().local_set(length).br(0).end().end();
            code.local_get(length);
        })
    }

    /// Writes argument number `index` of a builtin as text into the scratch room.
    fn place(&self) -> Function {
        let (index, value, text) = (0, 1, 2);
        written(1, |code| {
            code.global_get(self.global(Global::Scratch)).local_get(index).i32_const(8).i32_mul().i32_add();
            code.local_tee(index).local_get(value).call(self.policy("opa_value_dump")).local_tee(text);
            code.i32_store(word(ARGUMENTS));
            code.local_get(index).local_get(text).call(self.inner(Inner::Length)).i32_store(word(ARGUMENTS + 4));
        })
    }

    /// Calls the builtin of this id with the arguments that were placed, and gives back the address of its answer, or
    /// zero, which is OPA's undefined. All texts are freed, or a million calls would fill the memory.
    fn delegate(&self) -> Function {
        let (id, count, name, name_length, answer) = (0, 1, 2, 3, 4);
        written(3, |code| {
            self.find_name(code, (id, name, name_length));
            let Some(call) = self.outer(Outer::Call) else { return };
            code.local_get(name).local_get(name_length);
            code.global_get(self.global(Global::Scratch)).i32_const(ARGUMENTS as i32).i32_add().local_get(count);
            code.global_get(self.global(Global::Scratch)).call(call);
            code.block(BlockType::Empty).loop_(BlockType::Empty);
            code.local_get(count).i32_eqz().br_if(1);
            code.local_get(count).i32_const(1).i32_sub().local_tee(count).i32_const(8).i32_mul();
            code.global_get(self.global(Global::Scratch)).i32_add().i32_load(word(ARGUMENTS));
            code.call(self.policy("opa_free")).br(0).end().end();
            code.global_get(self.global(Global::Scratch)).i32_load8_u(at(0)).i32_eqz().if_(BlockType::Empty);
            code.i32_const(0).return_().end();
            code.global_get(self.global(Global::Scratch)).i32_load(word(4)).local_tee(answer);
            code.global_get(self.global(Global::Scratch)).i32_load(word(8)).call(self.policy("opa_value_parse"));
            code.local_get(answer).call(self.policy("opa_free"));
        })
    }

    /// Sets two locals to the name of the builtin with the id in the first one.
    fn find_name(&self, code: &mut InstructionSink<'_>, (id, name, name_length): (u32, u32, u32)) {
        code.block(BlockType::Empty);
        for (known, span) in &self.luggage.builtins {
            code.local_get(id).i32_const(*known).i32_eq().if_(BlockType::Empty);
            self.text(code, *span);
            code.local_set(name_length).local_set(name).br(1).end();
        }
        self.complain(code, self.luggage.unknown_builtin);
        code.end();
        if self.luggage.builtins.is_empty() {
            code.unreachable();
        }
    }

    /// As the policy imports it: id, a context that nobody uses, arguments.
    fn builtin(&self, count: u32) -> Function {
        written(0, |code| {
            for index in 0..count {
                code.i32_const(index.cast_signed()).local_get(2 + index).call(self.inner(Inner::Place));
            }
            code.local_get(0).i32_const(count.cast_signed()).call(self.inner(Inner::Delegate));
        })
    }

    fn abort(&self) -> Function {
        written(0, |code| {
            self.log(code, ERROR);
            code.unreachable();
        })
    }

    fn println(&self) -> Function {
        written(0, |code| self.log(code, DEBUG))
    }

    /// Logs the text at the address in the first local.
    fn log(&self, code: &mut InstructionSink<'_>, level: i32) {
        code.i32_const(level).local_get(0).local_get(0).call(self.inner(Inner::Shown));
        code.call(self.outer(Outer::Log).expect("every wrapped module may log"));
    }

    /// Logs one of our own texts as an error and traps.
    fn complain(&self, code: &mut InstructionSink<'_>, span: Span) {
        code.i32_const(ERROR);
        self.text(code, span);
        code.call(self.outer(Outer::Log).expect("every wrapped module may log")).unreachable();
    }

    /// Address and length of a text of the luggage.
    fn text(&self, code: &mut InstructionSink<'_>, span: Span) {
        code.global_get(self.global(Global::Block)).i32_const(span.start.cast_signed()).i32_add();
        code.i32_const(span.length.cast_signed());
    }

    /// Takes the luggage that lies at this address: parses the data, and remembers where the heap stands then.
    fn adopt(&self) -> Function {
        written(0, |code| {
            code.local_get(0).global_set(self.global(Global::Block));
            self.text(code, self.luggage.data);
            code.call(self.policy("opa_json_parse")).global_set(self.global(Global::Data));
            code.global_get(self.global(Global::Data)).i32_eqz().if_(BlockType::Empty);
            self.complain(code, self.luggage.bad_data);
            code.end();
            code.i32_const(0).i32_const(0).i32_const(8).i32_const(SCRATCH).call(self.inner(Inner::Realloc));
            code.global_set(self.global(Global::Scratch));
            code.call(self.policy("opa_heap_ptr_get")).global_set(self.global(Global::Heap));
        })
    }

    fn ready(&self) -> Function {
        let block = 0;
        let Arrival::FirstUse(segment) = self.arrival else { return written(0, |_| {}) };
        let length = self.luggage.bytes.len() as i32;
        written(1, |code| {
            code.global_get(self.global(Global::Block)).if_(BlockType::Empty).return_().end();
            code.i32_const(length).call(self.policy("opa_malloc")).local_tee(block);
            code.i32_const(0).i32_const(length).memory_init(0, segment);
            code.local_get(block).call(self.inner(Inner::Adopt));
        })
    }

    /// `palisade:opa/policy.eval`: the result set as JSON.
    fn eval(&self) -> Function {
        let (result, context) = (3, 4);
        written(2, |code| {
            code.call(self.inner(Inner::Ready));
            match self.shape.abi.has_opa_eval() {
                true => self.eval_at_once(code),
                false => self.eval_by_context(code, context),
            }
            code.local_set(result);
            code.global_get(self.global(Global::Scratch)).local_get(result).i32_store(word(0));
            code.global_get(self.global(Global::Scratch));
            code.local_get(result).call(self.inner(Inner::Length)).i32_store(word(4));
            code.global_get(self.global(Global::Scratch));
        })
    }

    fn eval_at_once(&self, code: &mut InstructionSink<'_>) {
        let (entrypoint, input, input_length) = (0, 1, 2);
        code.i32_const(0).local_get(entrypoint).global_get(self.global(Global::Data));
        code.local_get(input).local_get(input_length).call(self.policy("opa_heap_ptr_get"));
        // 0: the result as JSON.
        code.i32_const(VALUE_TEXT).call(self.policy("opa_eval"));
    }

    /// As OPA did it before ABI 1.2.
    fn eval_by_context(&self, code: &mut InstructionSink<'_>, context: u32) {
        let (entrypoint, input, input_length) = (0, 1, 2);
        code.call(self.policy("opa_eval_ctx_new")).local_set(context);
        code.local_get(context).local_get(input).local_get(input_length).call(self.policy("opa_json_parse"));
        code.call(self.policy("opa_eval_ctx_set_input"));
        code.local_get(context).global_get(self.global(Global::Data)).call(self.policy("opa_eval_ctx_set_data"));
        code.local_get(context).local_get(entrypoint).call(self.policy("opa_eval_ctx_set_entrypoint"));
        code.local_get(context).call(self.policy("eval")).if_(BlockType::Empty).unreachable().end();
        code.local_get(context).call(self.policy("opa_eval_ctx_get_result")).call(self.policy("opa_value_dump"));
    }

    /// After the result has been read: the next evaluation in this instance begins with the same heap.
    fn after_eval(&self) -> Function {
        written(0, |code| {
            code.global_get(self.global(Global::Heap)).call(self.policy("opa_heap_ptr_set"));
        })
    }

    fn entrypoints(&self) -> Function {
        let (address, length) = (0, 1);
        written(2, |code| {
            code.call(self.inner(Inner::Ready));
            self.text(code, self.luggage.entrypoints);
            code.local_set(length).local_set(address);
            code.global_get(self.global(Global::Scratch)).local_get(address).i32_store(word(0));
            code.global_get(self.global(Global::Scratch)).local_get(length).i32_store(word(4));
            code.global_get(self.global(Global::Scratch));
        })
    }
}

/// A function with so many `i32` locals beside its parameters.
fn written(locals: u32, code: impl FnOnce(&mut InstructionSink<'_>)) -> Function {
    let mut function = Function::new((locals > 0).then_some((locals, ValType::I32)));
    let mut sink = function.instructions();
    code(&mut sink);
    sink.end();
    function
}

/// A byte.
fn at(offset: u64) -> MemArg {
    MemArg { offset, align: 0, memory_index: 0 }
}

/// Four bytes. The alignment is a promise that the scratch room keeps.
fn word(offset: u64) -> MemArg {
    MemArg { offset, align: 2, memory_index: 0 }
}
